package scale

import (
	"context"
	"fmt"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/bench/internal/process"
	"github.com/drayhorse/drayhorse/bench/internal/report"
	"github.com/drayhorse/drayhorse/bench/internal/store"
	"github.com/drayhorse/drayhorse/worker"
)

// concurrency varies the handlers of one worker.
func concurrency(ctx context.Context, l *lab) error {
	c := l.curve(report.Curve{
		Name: "concurrency", Title: "Handlers of one worker", X: "handlers",
		About: "One worker drains no-op jobs.",
	})
	return onRedis(ctx, func(s *site) error {
		for _, handlers := range []int{1, 10, 100, 1000, 5000} {
			l.say("  %d", handlers)
			n := l.jobs(min(200_000, 20_000*handlers))
			var cpu []float64
			rate, err := l.medianOf(func() (float64, error) {
				if err := s.fill(ctx, n, batch, job); err != nil {
					return 0, err
				}
				got, err := s.drain(ctx, n, worker.Config{Concurrency: handlers})
				cpu = append(cpu, got.client+got.server)
				return got.rate, err
			})
			if err != nil {
				return err
			}
			c.Add("drain", "jobs/s", float64(handlers), rate)
			c.Add("CPU of worker and Redis", "us/job", float64(handlers), report.Median(cpu))
		}
		return nil
	})
}

// argSizes varies the arguments.
func argSizes(ctx context.Context, l *lab) error {
	c := l.curve(report.Curve{
		Name: "args", Title: "Size of arguments", X: "bytes of arguments",
		About: "Bulk enqueue, then one worker with 100 handlers drains; 100,000 jobs, or as many as have 200 MB together.",
	})
	return onRedis(ctx, func(s *site) error {
		for _, size := range []int{10, 100, 1000, 10_000, 100_000, 1_000_000} {
			l.say("  %d", size)
			n := l.jobs(min(100_000, 200_000_000/size))
			spec := sized(size)
			var in []float64
			out, err := l.medianOf(func() (float64, error) {
				begun := time.Now()
				if err := s.fill(ctx, n, max(min(batch, 16_000_000/size), 1), func(int) drayhorse.Spec { return spec }); err != nil {
					return 0, err
				}
				in = append(in, float64(n)/time.Since(begun).Seconds())
				got, err := s.drain(ctx, n, worker.Config{})
				return got.rate, err
			})
			if err != nil {
				return err
			}
			c.Add("enqueue, bulk", "jobs/s", float64(size), report.Median(in))
			c.Add("drain", "jobs/s", float64(size), out)
			c.Add("drain, volume", "MB/s", float64(size), out*float64(size)/1e6)
		}
		return nil
	})
}

// distance varies the round trip.
func distance(ctx context.Context, l *lab) error {
	c := l.curve(report.Curve{
		Name: "distance", Title: "Distance of Redis", X: "round trip added, ms",
		About: "A proxy holds all data back, half of the round trip in each direction. One worker with 100, and one with 1,000 handlers; 32 goroutines that enqueue a job a call.",
	})
	server, err := store.Start(ctx, store.Redis, false)
	if err != nil {
		return err
	}
	defer server.Stop()
	for _, trip := range []time.Duration{0, 500 * time.Microsecond, time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond} {
		l.say("  %v", trip)
		at := server.Place
		if trip > 0 {
			if at, err = server.Far(ctx, trip); err != nil {
				return err
			}
		}
		if err := l.distant(ctx, c, at, trip); err != nil {
			return fmt.Errorf("%v: %w", trip, err)
		}
	}
	return nil
}

func (l *lab) distant(ctx context.Context, c *report.Curve, at store.Place, trip time.Duration) error {
	s, err := newSite(at)
	if err != nil {
		return err
	}
	defer func() { _ = s.producer.Close() }()
	ms := trip.Seconds() * 1000
	for _, handlers := range []int{100, 1000} {
		rate, err := l.medianOf(func() (float64, error) {
			n := l.jobs(100_000)
			if err := s.fill(ctx, n, batch, job); err != nil {
				return 0, err
			}
			got, err := s.drain(ctx, n, worker.Config{Concurrency: handlers})
			return got.rate, err
		})
		if err != nil {
			return err
		}
		c.Add(fmt.Sprintf("drain, %d handlers", handlers), "jobs/s", ms, rate)
	}
	n := l.jobs(20_000)
	begun := time.Now()
	if err := s.fromMany(ctx, 32, n); err != nil {
		return err
	}
	c.Add("enqueue, 32 goroutines", "jobs/s", ms, float64(n)/time.Since(begun).Seconds())
	_, err = s.drain(ctx, n, worker.Config{})
	return err
}

// processes varies the number of worker processes.
func processes(ctx context.Context, l *lab) error {
	c := l.curve(report.Curve{
		Name: "processes", Title: "Worker processes", X: "processes",
		About: "Processes with 100 handlers each drain one queue of 500,000 jobs together, on the same cores as Redis: the rate cannot grow beyond what those give, the CPU a job shows what more workers cost.",
	})
	return onRedis(ctx, func(s *site) error {
		for _, crews := range []int{1, 2, 4, 8, 16, 32, 64} {
			l.say("  %d", crews)
			n := l.jobs(500_000)
			if err := s.fill(ctx, n, batch, job); err != nil {
				return err
			}
			got, err := s.together(ctx, crews, n)
			if err != nil {
				return err
			}
			c.Add("drain", "jobs/s", float64(crews), got.rate)
			c.Add("CPU of the workers", "us/job", float64(crews), got.client)
			c.Add("CPU of Redis", "us/job", float64(crews), got.server)
		}
		return nil
	})
}

// together drains the queue with several processes.
func (s *site) together(ctx context.Context, crews, n int) (drained, error) {
	c, err := startCrews(ctx, crews, crew{URL: s.at.URL, Workers: 1, Concurrency: 100})
	if err != nil {
		return drained{}, err
	}
	defer c.end()
	before, err := s.at.CPU()
	if err != nil {
		return drained{}, err
	}
	begun := time.Now()
	if err := c.work(ctx, n); err != nil {
		return drained{}, err
	}
	took := time.Since(begun)
	after, err := s.at.CPU()
	if err != nil {
		return drained{}, err
	}
	cpu, err := process.CPU(c.all[0].Cmd.Process.Pid)
	for _, p := range c.all[1:] {
		more, failed := process.CPU(p.Cmd.Process.Pid)
		if cpu += more; failed != nil {
			err = failed
		}
	}
	per := 1e6 / float64(n)
	return drained{rate: float64(n) / took.Seconds(), handled: n, client: cpu * per, server: (after - before) * per}, err
}
