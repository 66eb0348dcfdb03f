package drayhorsetest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/drayhorsetest"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/worker"
)

type after struct{ What string }

func (after) Kind() string { return "after" }

// TestBatchesByTheTestsClock: callbacks run in the call that ends the last member; a deadline and
// what is abandoned come with the clock.
func TestBatchesByTheTestsClock(t *testing.T) {
	t.Parallel()
	env := drayhorsetest.New(t)
	w := newWorker(t, env)
	var said []string
	worker.Handle(w, func(ctx context.Context, job *drayhorse.Job[welcome]) error {
		if job.Args.UserID == 1 {
			return flow.AddToBatch(ctx, drayhorse.Spec{Args: welcome{UserID: 2}})
		}
		return nil
	})
	worker.Handle(w, func(_ context.Context, job *drayhorse.Job[after]) error {
		said = append(said, job.Args.What)
		if age := env.Now().Sub(job.EnqueuedAt); age > time.Second {
			t.Errorf("a callback was enqueued %v before it ran", age)
		}
		return nil
	})
	p := env.Producer
	batch := func(b flow.Batch, specs ...drayhorse.Spec) string {
		b.OnComplete, b.OnSuccess, b.OnFailure = flow.Call(after{"complete"}), flow.Call(after{"success"}), flow.Call(after{"failure"})
		made, err := p.NewBatch(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := made.Add(t.Context(), specs...); err != nil {
			t.Fatal(err)
		}
		if b.ID != "left" {
			if err := made.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		return made.ID
	}
	state := func(id string, want flow.State, reason string) {
		t.Helper()
		if info, err := p.Flow(t.Context(), id); err != nil || info.State != want || info.Reason != reason {
			t.Errorf("%+v, %v; want %s %s", info, err, want, reason)
		}
	}
	wants := func(want ...string) {
		t.Helper()
		seen := map[string]int{}
		for _, s := range said {
			seen[s]++
		}
		for _, s := range want {
			seen[s]--
		}
		for s, n := range seen {
			if n != 0 {
				t.Errorf("callbacks %v, want %v (%s)", said, want, s)
			}
		}
		said = nil
	}

	id := batch(flow.Batch{}, drayhorse.Spec{Args: welcome{UserID: 1}})
	if n := len(env.Work(w)); n != 4 {
		t.Errorf("%d jobs ran, want 2 members and 2 callbacks", n)
	}
	state(id, flow.Completed, "")
	wants("complete", "success")

	later := drayhorse.Spec{Args: welcome{}, Options: []drayhorse.Option{drayhorse.In(10 * time.Hour)}}
	id = batch(flow.Batch{ID: "slow", Deadline: time.Hour}, later)
	env.Advance(59 * time.Minute)
	env.Work(w)
	state(id, flow.Running, "")
	env.Advance(time.Minute)
	env.Work(w)
	state(id, flow.Cancelled, "deadline")
	wants("complete", "failure")

	id = batch(flow.Batch{ID: "left"}, drayhorse.Spec{Args: welcome{}})
	env.Work(w)
	state(id, flow.Open, "")
	env.Advance(flow.OpenFor)
	env.Work(w)
	state(id, flow.Failed, "abandoned")
	wants("complete", "failure")

	env.Advance(flow.DefaultRetainFailed)
	env.Work(w)
	for _, id := range []string{"slow", "left"} {
		if _, err := p.Flow(t.Context(), id); !errors.Is(err, drayhorse.ErrNotFound) {
			t.Errorf("%s after its time: %v", id, err)
		}
	}
}
