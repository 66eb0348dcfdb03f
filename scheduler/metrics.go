package scheduler

import (
	"github.com/prometheus/client_golang/prometheus"
)

// metrics are what a scheduler counts; docs/metrics.md explains each.
type metrics struct {
	leader   prometheus.Gauge
	term     prometheus.Gauge
	up       prometheus.Gauge
	fired    prometheus.Counter
	late     prometheus.Histogram
	missed   *prometheus.CounterVec
	skipped  *prometheus.CounterVec
	replaced prometheus.Counter
	refused  prometheus.Counter
	broken   prometheus.Counter
}

func newMetrics() *metrics {
	return &metrics{
		leader: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "drayhorse_scheduler_leader", Help: "1 while this scheduler leads.",
		}),
		term: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "drayhorse_scheduler_term", Help: "The term of whoever leads; 0 while nobody does.",
		}),
		up: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "drayhorse_scheduler_redis_up", Help: "1 while Redis answers this scheduler.",
		}),
		fired: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "drayhorse_scheduler_fired_total", Help: "Ticks whose jobs this scheduler enqueued.",
		}),
		late: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "drayhorse_scheduler_late_seconds", Help: "How long after their ticks jobs were enqueued.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 12), // 1 ms to 70 min
		}),
		missed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "drayhorse_scheduler_missed_total", Help: "Ticks that were due and dropped, by the catch-up policy.",
		}, []string{"catch_up"}),
		skipped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "drayhorse_scheduler_skipped_total", Help: "Ticks that were dropped because an earlier job had not ended, by the overlap policy.",
		}, []string{"overlap"}),
		replaced: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "drayhorse_scheduler_replaced_total", Help: "Jobs that were cancelled because the next tick came.",
		}),
		refused: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "drayhorse_scheduler_refused_total", Help: "Writes of this scheduler that were refused because its term was over.",
		}),
		broken: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "drayhorse_scheduler_broken_total", Help: "Schedules that were set aside because their declarations cannot be read.",
		}),
	}
}

func (m *metrics) register(r prometheus.Registerer) error {
	if r == nil {
		return nil
	}
	for _, c := range []prometheus.Collector{
		m.leader, m.term, m.up, m.fired, m.late, m.missed, m.skipped, m.replaced, m.refused, m.broken,
	} {
		if err := r.Register(c); err != nil {
			return err
		}
	}
	return nil
}

// saw takes note of a look at Redis.
func (m *metrics) saw(leader Leader, err error) {
	if err != nil {
		m.up.Set(0)
		return
	}
	m.up.Set(1)
	m.term.Set(float64(leader.Term))
}
