package drayhorsetest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/drayhorsetest"
	"github.com/drayhorse/drayhorse/worker"
)

func TestLostWorker(t *testing.T) {
	t.Parallel()
	env := drayhorsetest.New(t)
	w := newWorker(t, env)
	w.Use(func(next worker.Handler) worker.Handler { // an application's own, which hides all panics
		return func(ctx context.Context, job *rawJob) error {
			defer func() { _ = recover() }()
			return next(ctx, job)
		}
	})
	runs, after := 0, 0
	worker.Handle(w, func(_ context.Context, job *drayhorse.Job[welcome]) error {
		if runs++; runs == 1 {
			env.LoseWorker()
		}
		after++
		return job.SetResult(job.Attempt)
	})
	info := enqueue(t, env, welcome{}, drayhorse.Retain(time.Hour))
	got := env.Work(w)
	if want := []drayhorse.State{drayhorse.Available, drayhorse.Completed}; !slices.Equal(states(got), want) || after != 1 {
		t.Fatalf("outcomes %v, %d times to the end", got, after)
	}
	if !errors.Is(got[0].Err, drayhorse.ErrLeaseLost) || string(got[1].Result) != "1" {
		t.Errorf("outcomes %v; want a lost lease, and no attempt for it: %s", got, got[1].Result)
	}
	if ended, err := env.Producer.Get(t.Context(), info.ID); err != nil || ended.Rescues != 1 {
		t.Errorf("ended %+v, %v; want one rescue", ended, err)
	}
}

func TestJobThatKillsIsSetAside(t *testing.T) {
	t.Parallel()
	env := drayhorsetest.New(t)
	w := newWorker(t, env)
	worker.Handle(w, func(_ context.Context, job *drayhorse.Job[welcome]) error {
		if job.Args.UserID == 13 {
			env.LoseWorker()
		}
		return nil
	})
	killer := enqueue(t, env, welcome{UserID: 13})
	enqueue(t, env, welcome{UserID: 1})
	got := env.Work(w)
	if len(got) != 4 {
		t.Errorf("outcomes %v; want three deaths and one end", got)
	}
	ended, err := env.Producer.Get(t.Context(), killer.ID)
	if err != nil || ended.State != drayhorse.Discarded {
		t.Errorf("the killer is %+v, %v", ended, err)
	}
}

func TestLostLease(t *testing.T) {
	t.Parallel()
	env := drayhorsetest.New(t)
	w := newWorker(t, env)
	var causes []error
	worker.Handle(w, func(ctx context.Context, job *drayhorse.Job[welcome]) error {
		if len(causes) == 0 {
			env.LoseLease()
		}
		causes = append(causes, context.Cause(ctx))
		return nil
	})
	enqueue(t, env, welcome{})
	got := env.Work(w)
	if len(got) != 2 || got[0].State != drayhorse.Available || !errors.Is(got[0].Err, drayhorse.ErrLeaseLost) || got[1].State != drayhorse.Completed {
		t.Errorf("outcomes %v", got)
	}
	if len(causes) != 2 || !errors.Is(causes[0], drayhorse.ErrLeaseLost) || causes[1] != nil {
		t.Errorf("the contexts ended with %v", causes)
	}
	if said := fails(t, func(tb testing.TB) { drayhorsetest.New(tb).LoseLease() }); !strings.Contains(said, "LoseLease outside a handler") {
		t.Errorf("outside a handler it says %s", said)
	}
}

func TestLostRepliesToEnqueue(t *testing.T) {
	t.Parallel()
	env := drayhorsetest.New(t, drayhorsetest.Patience(time.Second))
	enqueue(t, env, nightly{}) // the scripts are known
	env.LoseReplies(func() {
		_, err := env.Producer.Enqueue(t.Context(), welcome{UserID: 7})
		if !errors.Is(err, drayhorse.ErrUnavailable) {
			t.Errorf("an enqueue whose reply is lost: %v", err)
		}
	})
	drayhorsetest.RequireEnqueued(t, env, welcome{UserID: 7})
}

// TestOnDiscardIsToldOfJobsThatExpire, be it the clock that has passed their time or Work that
// comes too late, by a worker of their queue.
func TestOnDiscardIsToldOfJobsThatExpire(t *testing.T) {
	t.Parallel()
	env := drayhorsetest.New(t)
	told := map[string][]string{}
	hear := func(queue string) *worker.Worker {
		w, err := worker.New(worker.Config{RedisURL: env.URL, Queues: map[string]int{queue: 1}, OnDiscard: func(_ context.Context, info *drayhorse.Info) {
			told[queue] = append(told[queue], info.ID+" "+info.Errors[0].Message[:7])
		}})
		if err != nil {
			t.Fatal(err)
		}
		worker.Handle(w, func(context.Context, *drayhorse.Job[welcome]) error { return nil })
		return w
	}
	other, own := hear("mail"), hear("default")
	late := enqueue(t, env, welcome{UserID: 13}, drayhorse.StartWithin(time.Minute))
	env.Advance(time.Hour)
	env.Work(other, own)
	env.Work(other, own)
	if got := fmt.Sprint(told); got != "map[default:["+late.ID+" expired]]" {
		t.Errorf("told %s; want the worker of its queue told of %s once", got, late.ID)
	}
}

// TestOnDiscardIsToldOfAJobThatKills: no handler of its could say so.
func TestOnDiscardIsToldOfAJobThatKills(t *testing.T) {
	t.Parallel()
	env := drayhorsetest.New(t)
	var told []*drayhorse.Info
	w, err := worker.New(worker.Config{RedisURL: env.URL, OnDiscard: func(_ context.Context, info *drayhorse.Info) { told = append(told, info) }})
	if err != nil {
		t.Fatal(err)
	}
	worker.Handle(w, func(context.Context, *drayhorse.Job[welcome]) error { env.LoseWorker(); return nil })
	killer := enqueue(t, env, welcome{UserID: 13})
	env.Work(w)
	if len(told) != 1 || told[0].ID != killer.ID || told[0].State != drayhorse.Discarded || !strings.HasPrefix(told[0].Errors[0].Message, "poisoned: ") {
		t.Errorf("told %+v; want the job once, with the reason", told)
	}
}
