package worker_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/worker"
)

// TestAPausedGroupHoldsUpNoOther: a paused group is at the front of the queue, with jobs that this worker
// has a handler for and others. Other groups run; and then that one, in its order, when it goes on.
func TestAPausedGroupHoldsUpNoOther(t *testing.T) {
	r := setup(t, func(c *worker.Config) { c.Concurrency = 1 })
	a := r.admin()
	if _, err := a.CreateQueue(t.Context(), "default", 1); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var ran []string
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(ran)
	}
	r.handle("k", func(_ context.Context, job *rawJob) error {
		mu.Lock()
		defer mu.Unlock()
		ran = append(ran, job.ID)
		return nil
	})
	var paused []string
	for range 200 {
		paused = append(paused, r.enqueue("k", drayhorse.Group("tenant-42")).ID)
	}
	unserved := r.enqueue("unserved", drayhorse.Group("tenant-42"))
	for range 20 {
		r.enqueue("k", drayhorse.Group("tenant-7"))
	}
	target := admin.Target{Queue: "default", Group: "tenant-42"}
	if err := a.Pause(t.Context(), target, "they asked for it"); err != nil {
		t.Fatal(err)
	}
	r.start()
	redistest.Eventually(t, time.Minute, "the others have run", func() bool { return count() == 20 })
	redistest.Eventually(t, time.Minute, "those that wait are aside", func() bool {
		q, err := a.Queue(t.Context(), "default")
		return err == nil && q.Held == 201 && len(q.Pauses) == 1 && q.Pauses[0].Group == "tenant-42" && q.Pauses[0].Why == "they asked for it"
	})
	if err := a.Resume(t.Context(), target, "they are ready"); err != nil {
		t.Fatal(err)
	}
	redistest.Eventually(t, time.Minute, "those that waited have run", func() bool { return count() == 220 })
	redistest.Eventually(t, time.Minute, "what nobody serves is parked", func() bool {
		info, err := a.Get(t.Context(), "default", unserved.ID)
		return err == nil && info.Parked
	})
	r.stop()
	if !slices.Equal(ran[20:], paused) {
		t.Error("the paused group did not run in its order")
	}
	if err := a.Pause(t.Context(), admin.Target{Queue: "default", Group: "no group"}, ""); !errors.Is(err, drayhorse.ErrInvalid) {
		t.Errorf("a group that is none: %v; want ErrInvalid", err)
	}
}
