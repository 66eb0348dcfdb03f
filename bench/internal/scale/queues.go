package scale

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/bench/internal/report"
	"github.com/drayhorse/drayhorse/bench/internal/store"
	"github.com/drayhorse/drayhorse/worker"
)

// queues varies how many queues one worker serves.
func queues(ctx context.Context, l *lab) error {
	c := l.curve(report.Curve{
		Name: "queues", Title: "Queues of one worker", X: "queues",
		About: "One worker with 100 handlers serves them all: 100,000 jobs (10,000 for the most queues) spread evenly; then what it asks of Redis while all are empty.",
	})
	for _, n := range []int{1, 10, 100, 1000, 10_000} {
		l.say("  %d", n)
		err := onRedis(ctx, func(s *site) error { return l.queued(ctx, c, s, n) })
		if err != nil {
			return fmt.Errorf("%d queues: %w", n, err)
		}
	}
	return nil
}

func (l *lab) queued(ctx context.Context, c *report.Curve, s *site, n int) error {
	names, weights := make([]drayhorse.Option, n), map[string]int{}
	for i := range names {
		name := fmt.Sprintf("q%d", i)
		names[i], weights[name] = drayhorse.Queue(name), 1
	}
	total := l.jobs(min(100_000, 100_000_000/n))
	err := s.fill(ctx, total, 1000, func(i int) drayhorse.Spec { // queue by queue: a call for each
		return drayhorse.Spec{Args: job(i).Args, Options: []drayhorse.Option{names[i*n/total]}}
	})
	if err != nil {
		return err
	}
	got, err := s.drain(ctx, total, worker.Config{Queues: weights})
	if err != nil {
		return err
	}
	commands, err := s.idleCommands(ctx, worker.Config{Queues: weights, Concurrency: 100})
	c.Add("drain", "jobs/s", float64(n), got.rate)
	c.Add("CPU of worker and Redis", "us/job", float64(n), got.client+got.server)
	c.Add("commands of an idle worker", "1/s", float64(n), commands)
	return err
}

// idleCalls are the commands of which an idle worker's work consists.
var idleCalls = []string{"evalsha", "eval", "brpop"}

// idleCommands are what one idle worker sends to Redis, each second.
func (s *site) idleCommands(ctx context.Context, cfg worker.Config) (float64, error) {
	const settle, window = 8 * time.Second, 6 * time.Second // after the bells that nobody heard
	cfg.RedisURL, cfg.Registerer = s.at.URL, prometheus.NewRegistry()
	w, err := worker.New(cfg)
	if err != nil {
		return 0, err
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- w.Run(running) }()
	client := store.Client(s.at.Direct)
	defer func() { _ = client.Close() }()
	if err := pause(ctx, settle); err != nil {
		return 0, err
	}
	before, err := store.Calls(ctx, client, idleCalls...)
	if err != nil {
		return 0, err
	}
	if err := pause(ctx, window); err != nil {
		return 0, err
	}
	after, err := store.Calls(ctx, client, idleCalls...)
	if err != nil {
		return 0, err
	}
	stop()
	return (after - before) / window.Seconds(), <-ended
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
