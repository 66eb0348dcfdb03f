package worker_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/worker"
)

// TestRateLimited: the service says when to come back. Until then no worker starts another job
// of the kind, others go on, and then the job that met it runs again, at its first attempt.
func TestRateLimited(t *testing.T) {
	one := func(c *worker.Config) { c.Concurrency = 1 }
	r := setup(t, one)
	other := r.newWorker(one)
	const wait = 2 * time.Second
	var mu sync.Mutex
	var over time.Time
	var ran []string
	var others atomic.Int64
	api := func(_ context.Context, job *rawJob) error {
		mu.Lock()
		defer mu.Unlock()
		now := time.Now()
		switch {
		case over.IsZero():
			over = now.Add(wait)
			ran = append(ran, job.ID)
			return fmt.Errorf("the API: %w", drayhorse.RateLimited(wait))
		case now.Before(over.Add(-time.Second / 10)): // the clock of Redis is this one's
			t.Errorf("%s started %v too early", job.ID, over.Sub(now))
		case job.Attempt != 1:
			t.Errorf("%s is at attempt %d", job.ID, job.Attempt)
		}
		ran = append(ran, job.ID)
		return nil
	}
	for _, w := range []*worker.Worker{r.worker, other} {
		worker.HandleKind(w, "api", api)
		worker.HandleKind(w, "other", func(context.Context, *rawJob) error {
			mu.Lock()
			defer mu.Unlock()
			if !over.IsZero() && time.Now().Before(over) {
				others.Add(1)
			}
			return nil
		})
	}
	r.start()
	r.enqueue("api", drayhorse.ID("first"))
	redistest.Eventually(t, 10*time.Second, "the first has met the limit", func() bool {
		q := r.get("first")
		return q.State == drayhorse.Available && func() bool { mu.Lock(); defer mu.Unlock(); return len(ran) == 1 }()
	})
	stop := run(t, other)
	for i := range 20 {
		r.enqueue("api", drayhorse.ID(fmt.Sprint("api", i)))
		r.enqueue("other")
	}
	redistest.Eventually(t, time.Minute, "all have run", func() bool { mu.Lock(); defer mu.Unlock(); return len(ran) == 22 })
	stop()
	r.stop()
	if n := slices.Index(ran[1:], "first"); n < 0 {
		t.Errorf("the job that met the limit did not run again: %q", ran)
	}
	if others.Load() == 0 {
		t.Error("no other kind ran meanwhile")
	}
}

// TestRateLimitedIsAnError that says what it does.
func TestRateLimitedIsAnError(t *testing.T) {
	t.Parallel()
	err := drayhorse.RateLimited(-time.Second)
	if steer, ok := errors.AsType[*drayhorse.Steer](err); !ok || steer.After != 0 || steer.To != drayhorse.Available || err.Error() != "rate limited for 0s" {
		t.Errorf("%v", err)
	}
	if steer, _ := errors.AsType[*drayhorse.Steer](drayhorse.RateLimited(1000 * 24 * time.Hour)); steer.After != 366*24*time.Hour {
		t.Errorf("%v; want 366 days", steer.After)
	}
}
