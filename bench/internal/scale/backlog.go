package scale

import (
	"context"
	"fmt"

	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/bench/internal/report"
	"github.com/drayhorse/drayhorse/bench/internal/store"
	"github.com/drayhorse/drayhorse/worker"
)

// backlog fills a queue to each level, and looks what a job costs there.
func backlog(ctx context.Context, l *lab) error {
	c := l.curve(report.Curve{
		Name: "backlog", Title: "Backlog", X: "jobs waiting",
		About: "One worker, 100 handlers, drains the first 200,000 jobs (all, where there are fewer) of a queue that is that long; a single enqueue is timed 2,000 times there.",
	})
	return onRedis(ctx, func(s *site) error {
		empty, err := store.Memory(ctx, s.at.Direct)
		if err != nil {
			return err
		}
		waiting := 0
		for _, full := range []int{10_000, 100_000, 1_000_000, 10_000_000} {
			level := l.jobs(full)
			l.say("  %d", level)
			var memory, p99 []float64
			rate, err := l.medianOf(func() (float64, error) {
				if err := s.fill(ctx, level-waiting, batch, job); err != nil {
					return 0, err
				}
				bytes, err := store.Memory(ctx, s.at.Direct)
				if err != nil {
					return 0, err
				}
				memory = append(memory, (bytes-empty)/float64(level))
				probes := l.jobs(2000)
				wait, err := s.enqueueP99(ctx, probes)
				if err != nil {
					return 0, err
				}
				p99 = append(p99, wait)
				got, err := s.drain(ctx, min(level, l.jobs(200_000)), worker.Config{})
				waiting = level + probes - got.handled
				if err != nil {
					return 0, err
				}
				return got.rate, s.expect(ctx, waiting)
			})
			if err != nil {
				return err
			}
			c.Add("drain", "jobs/s", float64(level), rate)
			c.Add("single enqueue, p99", "ms", float64(level), report.Median(p99))
			c.Add("memory of a job", "bytes", float64(level), report.Median(memory))
		}
		return nil
	})
}

// expect checks how many jobs the queue has left: none was lost, none ran twice.
func (s *site) expect(ctx context.Context, waiting int) error {
	a, err := admin.New(admin.Config{RedisURL: s.at.Direct})
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }()
	q, err := a.Queue(ctx, "default")
	if err != nil {
		return err
	}
	if q.Available != waiting || q.Running != 0 {
		return fmt.Errorf("%d jobs wait and %d run; want %d and none", q.Available, q.Running, waiting)
	}
	return nil
}
