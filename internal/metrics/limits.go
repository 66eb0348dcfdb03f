package metrics

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
)

var (
	limitLabels      = []string{"limit", "queue"}
	limitConcurrency = prometheus.NewDesc("drayhorse_limit_concurrency", "Jobs of a limit that may run at once in a queue; of one that is shared, what the queue has of it.", limitLabels, nil)
	limitRunning     = prometheus.NewDesc("drayhorse_limit_running", "Jobs of a limit that run in a queue.", limitLabels, nil)
	limitWaiting     = prometheus.NewDesc("drayhorse_limit_waiting", "Jobs of a limit that wait in a queue, for it or for something else.", limitLabels, nil)
	limitShut        = prometheus.NewDesc("drayhorse_limit_shut", "1 while a limit lets none start of the jobs that wait in at least a part of a queue.", limitLabels, nil)
	breakerOpen      = prometheus.NewDesc("drayhorse_breaker_open", "1 while the breaker of a limit is open or tries jobs in at least a part of a queue.", limitLabels, nil)
)

// limit names a limit in a queue.
type limit struct{ name, queue string }

// limits reads the limits of queues, each with its partitions, of which those that are not shared are in the first. There
// is nothing of limits of each group.
func (s source) limits(ctx context.Context, queues [][]*jobs.Partition, known map[limit]*jobs.Declared) error {
	var first, others []*jobs.Partition
	for _, partitions := range queues {
		first = append(first, partitions[0])
	}
	all, err := s.engine.Limits(ctx, first...)
	if err != nil {
		return err
	}
	shared := map[string]bool{} // by queue
	for _, d := range all {
		shared[d.From.Queue] = shared[d.From.Queue] || d.Shared
	}
	for _, partitions := range queues {
		if shared[partitions[0].Queue] {
			others = append(others, partitions[1:]...)
		}
	}
	if len(others) > 0 {
		more, err := s.engine.Limits(ctx, others...)
		if err != nil {
			return err
		}
		all = append(all, more...)
	}
	for _, d := range all {
		of := limit{d.Name, d.From.Queue}
		switch {
		case d.PerGroup || !d.Shared && d.From.Index > 0:
		case !d.Shared:
			known[of] = d
		case known[of] == nil:
			whole := *d
			known[of] = &whole
		default:
			known[of].Most += d.Most
			known[of].Add(d)
		}
	}
	return nil
}

// collectLimits gives what is known of limits.
func collectLimits(known map[limit]*jobs.Declared, gauge func(desc *prometheus.Desc, value float64, labels ...string)) {
	for of, d := range known {
		if most := d.Concurrency; most > 0 {
			if d.Shared {
				most = d.Most
			}
			gauge(limitConcurrency, float64(most), of.name, of.queue)
			gauge(limitRunning, float64(d.Running), of.name, of.queue)
		}
		gauge(limitWaiting, float64(d.Waiting), of.name, of.queue)
		gauge(limitShut, Flag(d.Shut && d.Waiting > 0), of.name, of.queue)
		if d.State != "" {
			gauge(breakerOpen, Flag(d.State != drayhorse.BreakerClosed), of.name, of.queue)
		}
	}
}
