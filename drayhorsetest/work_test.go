package drayhorsetest_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/drayhorsetest"
	"github.com/drayhorse/drayhorse/worker"
)

func TestTimeouts(t *testing.T) {
	t.Parallel()
	env := drayhorsetest.New(t)
	w := newWorker(t, env)
	worker.Handle(w, func(ctx context.Context, job *drayhorse.Job[welcome]) error {
		if job.Args.UserID == 1 {
			env.Advance(59 * time.Second)
			if ctx.Err() != nil {
				t.Error("the context ended before its time")
			}
			env.Advance(time.Second)
		}
		<-ctx.Done() // of the other the real time passes
		return ctx.Err()
	})
	enqueue(t, env, welcome{UserID: 1}, drayhorse.Timeout(time.Minute))
	enqueue(t, env, welcome{UserID: 2}, drayhorse.Timeout(20*time.Millisecond))
	for _, o := range env.Work(w) {
		if !errors.Is(o.Err, context.DeadlineExceeded) || o.State != drayhorse.Retryable {
			t.Errorf("outcome %v", o)
		}
	}
}

func TestEndlessWorkEnds(t *testing.T) {
	t.Parallel()
	said := fails(t, func(tb testing.TB) {
		env := drayhorsetest.New(tb)
		w := newWorker(t, env)
		worker.Handle(w, func(context.Context, *drayhorse.Job[welcome]) error { return drayhorse.Snooze(0) })
		enqueue(t, env, welcome{}, drayhorse.ID("w"))
		env.Work(w)
	})
	if !strings.Contains(said, "w has run 100 times, of 100 in all") || !strings.Contains(said, "welcome w: available: snoozed for 0s") {
		t.Errorf("it says %s", said)
	}
}

func TestMisuse(t *testing.T) {
	t.Parallel()
	w := newWorker(t, drayhorsetest.New(t))
	worker.Handle(w, func(context.Context, *drayhorse.Job[welcome]) error { return nil })
	for want, do := range map[string]func(e *drayhorsetest.Env){
		"want at least one":           func(e *drayhorsetest.Env) { e.Work() },
		"the worker is nil":           func(e *drayhorsetest.Env) { e.Work(nil) },
		"want one made with RedisURL": func(e *drayhorsetest.Env) { e.Work(w) },
		"want it to go forward":       func(e *drayhorsetest.Env) { e.Advance(-1) },
		"the scheduler is nil":        func(e *drayhorsetest.Env) { e.Schedule(nil) },
	} {
		said := fails(t, func(tb testing.TB) { do(drayhorsetest.New(tb)) })
		if !strings.Contains(said, want) {
			t.Errorf("it says %s; want %q", said, want)
		}
	}
}

// TestOneJobIsClaimedAtATime has a job cancel the next one, which has not been claimed.
func TestOneJobIsClaimedAtATime(t *testing.T) {
	t.Parallel()
	env := drayhorsetest.New(t)
	w := newWorker(t, env)
	var ids []string
	worker.Handle(w, func(ctx context.Context, job *drayhorse.Job[welcome]) error {
		next := job.Args.UserID + 1
		if next == 1 || next == int64(len(ids)) {
			return nil
		}
		return env.Producer.Cancel(ctx, ids[next])
	})
	for n := range int64(9) {
		ids = append(ids, enqueue(t, env, welcome{UserID: n}).ID)
	}
	if got := env.Work(w); len(got) != 5 {
		t.Errorf("of nine jobs, every other of which cancels the next, ran %v", got)
	}
}
