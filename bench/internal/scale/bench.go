package scale

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/bench/internal/measure"
	"github.com/drayhorse/drayhorse/bench/internal/process"
	"github.com/drayhorse/drayhorse/bench/internal/store"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/worker"
)

// site is one Redis with a producer.
type site struct {
	at       store.Place
	producer *producer.Producer
}

func newSite(at store.Place) (*site, error) {
	p, err := producer.New(producer.Config{RedisURL: at.URL})
	return &site{at, p}, err
}

// onRedis runs do on a Redis of its own.
func onRedis(ctx context.Context, do func(s *site) error) error {
	server, err := store.Start(ctx, store.Redis, false)
	if err != nil {
		return err
	}
	defer server.Stop()
	s, err := newSite(server.Place)
	if err != nil {
		return err
	}
	defer func() { _ = s.producer.Close() }()
	return do(s)
}

// job is the usual one: 100 bytes of arguments.
func job(int) drayhorse.Spec { return sized(100) }

func sized(bytes int) drayhorse.Spec {
	return drayhorse.Spec{Args: drayhorse.Raw("noop", []byte(`"`+strings.Repeat("x", max(bytes-2, 0))+`"`))}
}

// fill enqueues n jobs in bulk, batch by batch.
func (s *site) fill(ctx context.Context, n, batch int, spec func(i int) drayhorse.Spec) error {
	for done := 0; done < n; done += batch {
		specs := make([]drayhorse.Spec, min(n-done, batch))
		for i := range specs {
			specs[i] = spec(done + i)
		}
		if _, err := s.producer.EnqueueMany(ctx, specs); err != nil {
			return err
		}
	}
	return nil
}

const batch = 10_000

// enqueueP99 is the time of a single enqueue, in ms, that one in a hundred exceeds.
func (s *site) enqueueP99(ctx context.Context, n int) (float64, error) {
	waits := make([]float64, n)
	for i := range waits {
		begun := time.Now()
		if _, err := s.producer.Enqueue(ctx, job(i).Args); err != nil {
			return 0, err
		}
		waits[i] = time.Since(begun).Seconds() * 1000
	}
	slices.Sort(waits)
	return measure.Quantile(waits, 0.99), nil
}

// drained is what a drain took.
type drained struct {
	rate           float64 // jobs/s, from the first that was handled to the last that counts
	client, server float64 // CPU, us a job
	handled        int     // until the worker had stopped
}

// drain runs one worker until n jobs were handled; it may handle more before it has
// stopped.
func (s *site) drain(ctx context.Context, n int, cfg worker.Config) (drained, error) {
	cfg.RedisURL, cfg.Registerer = s.at.URL, prometheus.NewRegistry()
	if cfg.Concurrency == 0 {
		cfg.Concurrency = 100
	}
	w, err := worker.New(cfg)
	if err != nil {
		return drained{}, err
	}
	var handled atomic.Int64
	var first, last time.Time
	var start sync.Once
	enough := make(chan struct{})
	worker.HandleKind(w, "noop", func(_ context.Context, job *drayhorse.Job[json.RawMessage]) error {
		start.Do(func() { first = time.Now() })
		if handled.Add(1) == int64(n) {
			last = time.Now()
			close(enough)
		}
		return job.SetResult(result)
	})
	client := process.OwnCPU()
	server, err := s.at.CPU()
	if err != nil {
		return drained{}, err
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- w.Run(running) }()
	select {
	case <-enough:
	case err := <-ended:
		return drained{}, fmt.Errorf("the worker ended after %d of %d jobs: %w", handled.Load(), n, err)
	}
	stop()
	if err := <-ended; err != nil {
		return drained{}, err
	}
	if ctx.Err() != nil {
		return drained{}, ctx.Err()
	}
	after, err := s.at.CPU()
	per := 1e6 / float64(handled.Load())
	return drained{
		rate: float64(n) / last.Sub(first).Seconds(), handled: int(handled.Load()),
		client: (process.OwnCPU() - client) * per, server: (after - server) * per,
	}, err
}

// result is what handlers leave behind; only jobs that are kept keep it.
var result = json.RawMessage(`{"ok":true}`)

// medianOf repeats a measurement.
func (l *lab) medianOf(do func() (float64, error)) (float64, error) {
	values := make([]float64, l.Repeats)
	for i := range values {
		v, err := do()
		if err != nil {
			return 0, err
		}
		values[i] = v
	}
	slices.Sort(values)
	return values[len(values)/2], nil
}
