package worker

import (
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/metrics"
)

// instruments are what a worker counts; docs/metrics.md explains each.
type instruments struct {
	redis  *metrics.Redis
	queues *metrics.Queues
	flows  *metrics.Flows

	finishedTotal *prometheus.CounterVec
	runSeconds    *prometheus.HistogramVec
	waitSeconds   *prometheus.HistogramVec
	running       prometheus.Gauge
	concurrency   prometheus.Gauge
	rescued       prometheus.Counter
	refused       prometheus.Counter
	stuck         prometheus.Gauge
	stalled       prometheus.Counter
	untold        prometheus.Counter

	mu     sync.RWMutex
	series map[seriesKey]*series
}

type seriesKey struct{ queue, kind string }

// series are the metrics of one kind in one queue, looked up once.
type series struct {
	finished map[jobs.Outcome]prometheus.Counter
	run      prometheus.Observer
	wait     prometheus.Observer
}

// outcomes are the values of the label of that name.
var outcomes = map[jobs.Outcome]string{
	jobs.Complete: "completed", jobs.Fail: "failed", jobs.Exhaust: "discarded", jobs.Cancel: "cancelled",
	jobs.Snooze: "snoozed", jobs.Limit: "limited", jobs.Release: "released", jobs.Divert: "diverted",
}

// newInstruments makes them and adds them to r.
func newInstruments(r prometheus.Registerer) (*instruments, error) {
	seconds := metrics.Seconds(0.001, 11) // 1 ms to 17 min
	labels := []string{"queue", "kind"}
	m := &instruments{
		finishedTotal: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "drayhorse_jobs_finished_total", Help: "Attempts that ended, by what became of the job.",
		}, append(labels, "outcome")),
		runSeconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "drayhorse_job_run_seconds", Help: "How long handlers ran.", Buckets: seconds,
		}, labels),
		waitSeconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "drayhorse_job_wait_seconds", Help: "How long jobs waited for their first attempt after they were due.", Buckets: seconds,
		}, labels),
		running: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "drayhorse_worker_running", Help: "Jobs that run in this worker.",
		}),
		concurrency: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "drayhorse_worker_concurrency", Help: "Jobs that may run in this worker at once.",
		}),
		rescued: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "drayhorse_worker_rescued_total", Help: "Jobs that this worker took back from dead ones.",
		}),
		refused: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "drayhorse_worker_refused_total", Help: "Finishes that did not count because the job was no longer this worker's.",
		}),
		stuck: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "drayhorse_worker_stuck", Help: "Handlers that go on although their context ended.",
		}),
		stalled: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "drayhorse_worker_stalled_seconds_total", Help: "For how long this worker got no CPU, in times of a second or more.",
		}),
		untold: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "drayhorse_worker_events_lost_total", Help: "Events that were not told although somebody listened.",
		}),
		series: map[seriesKey]*series{},
	}
	return m, m.register(r)
}

func (m *instruments) register(r prometheus.Registerer) error {
	err := errors.Join(
		metrics.Share(r, &m.finishedTotal), metrics.Share(r, &m.runSeconds), metrics.Share(r, &m.waitSeconds),
		metrics.Share(r, &m.running), metrics.Share(r, &m.concurrency), metrics.Share(r, &m.rescued),
		metrics.Share(r, &m.refused), metrics.Share(r, &m.stuck), metrics.Share(r, &m.stalled), metrics.Share(r, &m.untold),
	)
	if err != nil {
		return err
	}
	if m.redis, err = metrics.NewRedis(r); err != nil {
		return err
	}
	if m.queues, err = metrics.NewQueues(r); err != nil {
		return err
	}
	m.flows, err = metrics.NewFlows(r)
	return err
}

// of gives the metrics of a kind in a queue.
func (m *instruments) of(queue, kind string) *series {
	key := seriesKey{queue, kind}
	m.mu.RLock()
	s := m.series[key]
	m.mu.RUnlock()
	if s != nil {
		return s
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s = &series{finished: map[jobs.Outcome]prometheus.Counter{}, run: m.runSeconds.WithLabelValues(queue, kind), wait: m.waitSeconds.WithLabelValues(queue, kind)}
	for outcome, word := range outcomes {
		s.finished[outcome] = m.finishedTotal.WithLabelValues(queue, kind, word)
	}
	m.series[key] = s
	return s
}

// began takes note of a handler that is about to run, and gives how long its job waited;
// negative: it has been tried before.
func (m *instruments) began(s *series, e *jobs.Envelope, attempt int, at time.Time) (waited time.Duration) {
	m.running.Inc()
	if attempt > 1 {
		return -1
	}
	due := e.EnqueuedAt
	if e.DueAt.After(due) {
		due = e.DueAt
	}
	waited = max(at.Sub(due), 0)
	s.wait.Observe(waited.Seconds())
	return waited
}

// ran takes note of a handler that returned.
func (m *instruments) ran(s *series, took time.Duration) {
	m.running.Dec()
	s.run.Observe(took.Seconds())
}
