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

// limits reads the limits of queues, each with its partitions. There is nothing of limits of each group.
func (s source) limits(ctx context.Context, queues [][]*jobs.Partition, known map[limit]*jobs.Declared) error {
	all, err := s.engine.LimitsOf(ctx, queues...)
	if err != nil {
		return err
	}
	for _, d := range all {
		of := limit{d.Name, d.From.Queue}
		switch {
		case d.PerGroup:
		case !d.Shared:
			known[of] = d
		default:
			if known[of] == nil {
				known[of] = &jobs.Declared{Limit: d.Limit, Shared: true}
			}
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
