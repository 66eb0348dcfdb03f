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

func TestStopWaitsForRunningJobs(t *testing.T) {
	r := setup(t)
	running, finish := make(chan struct{}), make(chan struct{})
	r.handle("test", func(context.Context, *rawJob) error {
		close(running)
		<-finish
		return nil
	}).start()
	id := r.enqueue("test", keep).ID
	<-running
	stopped := make(chan struct{})
	go func() { r.stop(); close(stopped) }()
	redistest.Eventually(t, time.Second, "the worker stops claiming", func() bool { return r.worker.Ready() != nil })
	late := r.enqueue("test").ID
	close(finish)
	<-stopped
	if info := r.get(id); info.State != drayhorse.Completed {
		t.Errorf("state = %s, want completed", info.State)
	}
	if info := r.get(late); info.State != drayhorse.Available {
		t.Errorf("state of a job that came after the stop = %s, want available", info.State)
	}
}

func TestStopHandsBackHandlersThatDoNotReturn(t *testing.T) {
	r := setup(t, func(c *worker.Config) { c.ShutdownTimeout = -1 })
	running, release := make(chan struct{}), make(chan struct{})
	r.handle("test", func(context.Context, *rawJob) error {
		close(running)
		<-release
		return nil
	}).start()
	id := r.enqueue("test", drayhorse.MaxAttempts(1)).ID
	<-running
	r.stop()
	close(release)
	if info := r.get(id); info.State != drayhorse.Available || info.Attempt != 1 || info.Rescues != 0 {
		t.Errorf("info = %+v, want it available again, untouched", info)
	}
}

func TestQuietClaimsNoMore(t *testing.T) {
	r := setup(t)
	r.handle("test", func(context.Context, *rawJob) error { return nil }).start()
	r.becomes(r.enqueue("test", keep).ID, drayhorse.Completed)
	r.worker.Quiet()
	redistest.Eventually(t, time.Second, "the worker is quiet", func() bool { return r.worker.Ready() != nil })
	id := r.enqueue("test").ID
	r.stop()
	if info := r.get(id); info.State != drayhorse.Available {
		t.Errorf("state = %s, want available", info.State)
	}
}

func TestRunsOnce(t *testing.T) {
	r := setup(t).handle("test", func(context.Context, *rawJob) error { return nil }).start()
	r.stop()
	if err := r.worker.Run(t.Context()); !errors.Is(err, drayhorse.ErrClosed) {
		t.Errorf("second Run: %v, want ErrClosed", err)
	}
}

// TestRollingStopLosesNothing stops and starts workers under load.
func TestRollingStopLosesNothing(t *testing.T) {
	r := setup(t)
	const n = 2000
	var runs atomic.Int64
	handler := func(context.Context, *rawJob) error { runs.Add(1); return nil }
	r.handle("test", handler).start()
	stop := r.stop
	ids := make([]string, 0, n)
	for i := range n {
		ids = append(ids, r.enqueue("test", keep, drayhorse.MaxAttempts(1)).ID)
		if i%400 == 399 {
			next := r.newWorker()
			worker.HandleKind(next, "test", handler)
			after := run(t, next)
			stop()
			stop = after
		}
	}
	r.allBecome(ids, drayhorse.Completed, 30*time.Second)
	if runs.Load() != n {
		t.Errorf("%d runs of %d jobs: finished work ran again", runs.Load(), n)
	}
}
