package worker_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// TestAPausedKindHoldsUpNoOther: of a queue of three partitions, full of jobs of one kind that
// is paused, those of another kind run; and then those, when it goes on.
func TestAPausedKindHoldsUpNoOther(t *testing.T) {
	r := setup(t)
	a := r.admin()
	if _, err := a.CreateQueue(t.Context(), "default", 3); err != nil {
		t.Fatal(err)
	}
	const n = 1500
	var stuck, free atomic.Int64
	var attempts atomic.Int64
	r.handle("stuck", func(_ context.Context, job *rawJob) error {
		stuck.Add(1)
		attempts.Add(int64(job.Attempt))
		return nil
	}).handle("free", func(context.Context, *rawJob) error {
		free.Add(1)
		return nil
	})
	for range n {
		r.enqueue("stuck")
	}
	for range 30 {
		r.enqueue("free")
	}
	target := admin.Target{Queue: "default", Kind: "stuck"}
	if err := a.Pause(t.Context(), target, "their API is down"); err != nil {
		t.Fatal(err)
	}
	r.start()
	redistest.Eventually(t, 20*time.Second, "the others have run", func() bool { return free.Load() == 30 })
	redistest.Eventually(t, 20*time.Second, "those that wait are aside", func() bool {
		q, err := a.Queue(t.Context(), "default")
		return err == nil && q.Held == n && q.Available == n && len(q.Pauses) == 1 && q.Pauses[0].Held == n && q.Pauses[0].By == "ann"
	})
	if stuck.Load() != 0 {
		t.Errorf("%d jobs of the paused kind ran", stuck.Load())
	}
	if err := a.Resume(t.Context(), target, "it is up"); err != nil {
		t.Fatal(err)
	}
	redistest.Eventually(t, 20*time.Second, "those that waited have run", func() bool { return stuck.Load() == n })
	r.stop()
	if attempts.Load() != n {
		t.Errorf("%d attempts for %d jobs", attempts.Load(), n)
	}
	if q, err := a.Queue(t.Context(), "default"); err != nil || q.Held != 0 || len(q.Pauses) != 0 || q.Available != 0 {
		t.Errorf("%+v, %v; want nothing left", q, err)
	}
	if err := a.Pause(t.Context(), admin.Target{Queue: "default", Kind: "no kind"}, ""); !errors.Is(err, drayhorse.ErrInvalid) {
		t.Errorf("a kind that is none: %v; want ErrInvalid", err)
	}
}
