package metrics

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
)

// Queues is how long queues are, read when it is asked for.
type Queues struct{ polled[reading] }

// reading is what was read last.
type reading struct {
	queues map[string]*depth
	limits map[limit]*jobs.Declared
}

// source is one way to queues.
type source struct {
	engine *jobs.Engine
	which  func(ctx context.Context) ([][]*jobs.Partition, error)
}

// depth is the size of a queue, all its partitions together.
type depth struct {
	jobs   map[drayhorse.State]int
	waited time.Duration
	paused bool
	parked int
}

var (
	queueJobs   = prometheus.NewDesc("drayhorse_queue_jobs", "Jobs of a queue; of ended ones, those that are kept.", []string{"queue", "state"}, nil)
	queueOldest = prometheus.NewDesc("drayhorse_queue_oldest_seconds", "How long the job waits that waits longest, or is overdue; 0 if none does.", []string{"queue"}, nil)
	queuePaused = prometheus.NewDesc("drayhorse_queue_paused", "1 while at least a part of a queue gives no claims.", []string{"queue"}, nil)
	queueParked = prometheus.NewDesc("drayhorse_queue_parked", "Available jobs of kinds that no worker so far serves.", []string{"queue"}, nil)
)

// NewQueues gives the metrics of queues that r has, or adds them.
func NewQueues(r prometheus.Registerer) (*Queues, error) { return share(r, &Queues{}) }

// Add has the queues of an engine read that which gives, each with its partitions.
func (q *Queues) Add(engine *jobs.Engine, log *slog.Logger, which func(ctx context.Context) ([][]*jobs.Partition, error)) {
	q.addFrom(log, source{engine, which}.add)
}

// Describe gives the descriptions of all.
func (q *Queues) Describe(ch chan<- *prometheus.Desc) {
	ch <- queueJobs
	ch <- queueOldest
	ch <- queuePaused
	ch <- queueParked
	for _, desc := range []*prometheus.Desc{limitConcurrency, limitRunning, limitWaiting, limitShut, breakerOpen} {
		ch <- desc
	}
}

// Collect gives what is known, and reads it anew if that is too old.
func (q *Queues) Collect(ch chan<- prometheus.Metric) {
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	read := q.read(func() *reading { return &reading{map[string]*depth{}, map[limit]*jobs.Declared{}} })
	collectLimits(read.limits, gauge)
	for queue, d := range read.queues {
		for _, state := range drayhorse.States() {
			gauge(queueJobs, float64(d.jobs[state]), queue, string(state))
		}
		gauge(queueOldest, d.waited.Seconds(), queue)
		gauge(queuePaused, Flag(d.paused), queue)
		gauge(queueParked, float64(d.parked), queue)
	}
}

// add reads the queues that are not known yet.
func (s source) add(ctx context.Context, read *reading) error {
	known := read.queues
	queues, err := s.which(ctx)
	if err != nil {
		return err
	}
	queues = slices.DeleteFunc(slices.Clone(queues), func(partitions []*jobs.Partition) bool { return known[partitions[0].Queue] != nil })
	all := slices.Concat(queues...)
	if len(all) == 0 {
		return nil
	}
	sizes, err := s.engine.Summaries(ctx, all...)
	broken := map[string]bool{}
	for i, size := range sizes {
		name := all[i].Queue
		if size == nil {
			broken[name] = true
			continue
		}
		if known[name] == nil {
			known[name] = &depth{jobs: map[drayhorse.State]int{}}
		}
		known[name].add(size)
	}
	for name := range broken { // a part of a queue would read as the whole
		delete(known, name)
	}
	return errors.Join(err, s.limits(ctx, queues, read.limits))
}

func (d *depth) add(s *jobs.Summary) {
	for state, n := range map[drayhorse.State]int{
		drayhorse.Available: s.Available, drayhorse.Scheduled: s.Scheduled, drayhorse.Retryable: s.Retryable,
		drayhorse.Running: s.Running, drayhorse.Completed: s.Completed, drayhorse.Cancelled: s.Cancelled,
		drayhorse.Discarded: s.Discarded,
	} {
		d.jobs[state] += n
	}
	d.waited = max(d.waited, s.Waited())
	d.paused = d.paused || s.Paused
	d.parked += s.Parked
}

// Existing gives the partitions of those of the queues that exist, for Add.
func Existing(engine *jobs.Engine, names []string) func(ctx context.Context) ([][]*jobs.Partition, error) {
	return func(ctx context.Context) ([][]*jobs.Partition, error) {
		var queues [][]*jobs.Partition
		for _, name := range names {
			partitions, err := engine.Lookup(ctx, name)
			switch {
			case err == nil:
				queues = append(queues, partitions)
			case !errors.Is(err, drayhorse.ErrNotFound):
				return nil, err
			}
		}
		return queues, nil
	}
}
