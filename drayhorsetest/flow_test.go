package drayhorsetest_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/drayhorsetest"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/worker"
)

// TestFlowsByTheTestsClock: what is ready runs in the call that ends what it comes after; delays,
// signals that do not come and deadlines come with the clock.
func TestFlowsByTheTestsClock(t *testing.T) {
	t.Parallel()
	env := drayhorsetest.New(t)
	w := newWorker(t, env)
	worker.Handle(w, func(ctx context.Context, job *drayhorse.Job[after]) error {
		var before string
		if job.Args.What == "c" {
			if err := flow.Result(ctx, "b", &before); err != nil {
				return err
			}
		}
		return job.SetResult(before + job.Args.What)
	})
	f := flow.New("f")
	a := f.Step("a", after{"a"})
	b := f.Step("b", after{"b"}).After(a)
	c := f.Step("c", after{"c"}).After(b).Delay(time.Hour)
	ok := f.Signal("ok", 24*time.Hour).After(c)
	f.Step("d", after{"d"}).AfterEnd(ok)
	f.Step("e", after{"e"}).After(ok)
	if _, err := env.Producer.Submit(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	works := func(jobs int, completed, running, waiting int) {
		t.Helper()
		if n := len(env.Work(w)); n != jobs {
			t.Errorf("%d jobs ran, want %d", n, jobs)
		}
		info, err := env.Producer.Flow(t.Context(), "f")
		if err != nil {
			t.Fatal(err)
		}
		if got, want := fmt.Sprint(info.Completed, info.Running, info.Waiting), fmt.Sprint(completed, running, waiting); got != want {
			t.Errorf("completed, running and waiting are %s, want %s", got, want)
		}
	}
	works(2, 2, 1, 3)
	env.Advance(time.Hour)
	works(1, 3, 1, 2)
	env.Advance(23 * time.Hour)
	works(0, 3, 1, 2)
	env.Advance(time.Hour)
	works(1, 4, 0, 0)
	if info, err := env.Producer.Flow(t.Context(), "f"); err != nil || info.State != flow.Failed || info.Discarded != 1 || info.Cancelled != 1 {
		t.Errorf("%+v, %v", info, err)
	}
	env.Advance(flow.DefaultRetainFailed)
	env.Work(w)
	if _, err := env.Producer.Flow(t.Context(), "f"); err == nil {
		t.Error("it is still known")
	}
}
