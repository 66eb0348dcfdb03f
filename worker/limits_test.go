package worker_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/worker"
)

// TestALimitHoldsOverWorkers: two workers with slots for 20 jobs run no more than 3 at once,
// and the next starts when one ends, not when somebody looks: 60 jobs would take 20 looks.
func TestALimitHoldsOverWorkers(t *testing.T) {
	limit := func(c *worker.Config) {
		c.Limits = []drayhorse.Limit{{Name: "three", Queue: "default", Concurrency: 3}}
	}
	r := setup(t, limit)
	other := r.newWorker(limit)
	var runs, most, done atomic.Int64
	handler := func(ctx context.Context, _ *rawJob) error {
		now := runs.Add(1)
		for seen := most.Load(); now > seen && !most.CompareAndSwap(seen, now); seen = most.Load() {
		}
		select { // work
		case <-ctx.Done():
		case <-time.After(5 * time.Millisecond):
		}
		runs.Add(-1)
		done.Add(1)
		return nil
	}
	r.handle("k", handler)
	worker.HandleKind(other, "k", handler)
	const n = 60
	for range n {
		r.enqueue("k")
	}
	begun := time.Now()
	r.start()
	stop := run(t, other)
	redistest.Eventually(t, 2*time.Minute, "all jobs have run", func() bool { return done.Load() == n })
	took := time.Since(begun)
	r.stop()
	stop()
	if most.Load() > 3 {
		t.Errorf("%d ran at once; want 3 at most", most.Load())
	}
	t.Logf("%d jobs of 5 ms, %d at once, in %v", n, most.Load(), took)
	if took > redistest.Stretch*15*time.Second {
		t.Errorf("60 jobs took %v; want each to start when another ends", took)
	}
}

// TestWorkersWithWrongLimitsDoNotStart.
func TestWorkersWithWrongLimitsDoNotStart(t *testing.T) {
	t.Parallel()
	for _, limits := range [][]drayhorse.Limit{
		{{Name: "l", Queue: "q"}}, {{Name: "l", Queue: "q", Concurrency: 1}, {Name: "l", Queue: "r", Concurrency: 1}},
	} {
		if _, err := worker.New(worker.Config{Limits: limits}); !errors.Is(err, drayhorse.ErrInvalid) {
			t.Errorf("%+v: %v; want ErrInvalid", limits, err)
		}
	}
}
