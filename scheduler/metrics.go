package scheduler

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/drayhorse/drayhorse/internal/metrics"
)

// instruments are what a scheduler counts; docs/metrics.md explains each.
type instruments struct {
	redis  *metrics.Redis
	queues *metrics.Queues

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
	delayed  prometheus.Gauge
}

// newInstruments makes them and adds them to r.
func newInstruments(r prometheus.Registerer) (*instruments, error) {
	m := &instruments{
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
			Buckets: metrics.Seconds(0.001, 12), // 1 ms to 70 min
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
		delayed: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "drayhorse_scheduler_delayed_queues", Help: "Queues, or their partitions, that take no ticks from this scheduler; it tries again.",
		}),
	}
	for _, policy := range []CatchUp{CatchUpSkip, CatchUpLast, CatchUpAll} {
		m.missed.WithLabelValues(string(policy))
	}
	for _, policy := range []Overlap{OverlapSkip, OverlapQueue} {
		m.skipped.WithLabelValues(string(policy))
	}
	return m, m.register(r)
}

func (m *instruments) register(r prometheus.Registerer) error {
	err := errors.Join(
		metrics.Share(r, &m.leader), metrics.Share(r, &m.term), metrics.Share(r, &m.up), metrics.Share(r, &m.fired),
		metrics.Share(r, &m.late), metrics.Share(r, &m.missed), metrics.Share(r, &m.skipped), metrics.Share(r, &m.replaced),
		metrics.Share(r, &m.refused), metrics.Share(r, &m.broken), metrics.Share(r, &m.delayed),
	)
	if err != nil {
		return err
	}
	if m.redis, err = metrics.NewRedis(r); err != nil {
		return err
	}
	m.queues, err = metrics.NewQueues(r)
	return err
}

// saw takes note of a look at Redis.
func (m *instruments) saw(leader Leader, err error) {
	m.redis.SetUp(err == nil)
	if err != nil {
		m.up.Set(0)
		return
	}
	m.up.Set(1)
	m.term.Set(float64(leader.Term))
}
