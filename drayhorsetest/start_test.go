package drayhorsetest_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/drayhorsetest"
	"github.com/drayhorse/drayhorse/worker"
)

// TestJobsExpireByTheClockOfTheTest: what is late does not run, what has failed once does.
func TestJobsExpireByTheClockOfTheTest(t *testing.T) {
	t.Parallel()
	env := drayhorsetest.New(t)
	w := newWorker(t, env)
	failures := 1
	worker.Handle(w, func(_ context.Context, job *drayhorse.Job[welcome]) error {
		if failures--; failures >= 0 {
			return context.DeadlineExceeded
		}
		return nil
	})
	enqueue := func(user int64, options ...drayhorse.Option) *drayhorse.Info {
		t.Helper()
		info, err := env.Producer.Enqueue(t.Context(), welcome{UserID: user}, append(options, drayhorse.StartWithin(10*time.Minute))...)
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	enqueue(1)
	env.Advance(9 * time.Minute)
	if done := env.Work(w); len(done) != 1 || done[0].State != drayhorse.Retryable {
		t.Fatalf("outcomes = %+v; want one that failed", done)
	}
	late, delayed := enqueue(2), enqueue(3, drayhorse.In(5*time.Minute))
	drayhorsetest.RequireEnqueued(t, env, welcome{UserID: 2}, drayhorse.StartWithin(10*time.Minute))
	env.Advance(11 * time.Minute)
	done := env.Work(w)
	if len(done) != 2 || done[0].State != drayhorse.Completed || done[1].State != drayhorse.Completed {
		t.Errorf("outcomes = %+v; want that of the retry and of the job that was due 6m ago", done)
	}
	info, err := env.Admin.Get(t.Context(), "default", late.ID)
	if err != nil || info.State != drayhorse.Discarded || len(info.Errors) != 1 || !strings.HasPrefix(info.Errors[0].Message, "expired") {
		t.Errorf("%+v, %v; want it expired", info, err)
	}
	if _, err := env.Admin.Get(t.Context(), "default", delayed.ID); err == nil {
		t.Error("the delayed job is still there; want it completed")
	}
}

// TestUrgentJobsComeFirst, also when they are due later.
func TestUrgentJobsComeFirst(t *testing.T) {
	t.Parallel()
	env := drayhorsetest.New(t)
	var order []int64
	w := newWorker(t, env)
	worker.Handle(w, func(_ context.Context, job *drayhorse.Job[welcome]) error {
		order = append(order, job.Args.UserID)
		return nil
	})
	for user, options := range [][]drayhorse.Option{
		{drayhorse.Priority(drayhorse.Low)}, nil, {drayhorse.Priority(drayhorse.High)}, {drayhorse.Priority(drayhorse.Urgent), drayhorse.In(time.Minute)},
	} {
		if _, err := env.Producer.Enqueue(t.Context(), welcome{UserID: int64(user)}, options...); err != nil {
			t.Fatal(err)
		}
	}
	drayhorsetest.RequireEnqueued(t, env, welcome{UserID: 2}, drayhorse.Priority(drayhorse.High))
	env.Advance(time.Minute)
	env.Work(w)
	if want := []int64{3, 2, 1, 0}; !slices.Equal(order, want) {
		t.Errorf("they ran in the order %v; want %v", order, want)
	}
}

// TestGroupsTakeTurnsInTests, each with its own jobs in their order.
func TestGroupsTakeTurnsInTests(t *testing.T) {
	t.Parallel()
	env := drayhorsetest.New(t)
	var order []int64
	w := newWorker(t, env)
	worker.Handle(w, func(_ context.Context, job *drayhorse.Job[welcome]) error {
		order = append(order, job.Args.UserID)
		return nil
	})
	for user, tenant := range []string{"a", "a", "a", "b", "b"} {
		if _, err := env.Producer.Enqueue(t.Context(), welcome{UserID: int64(user)}, drayhorse.Group(tenant)); err != nil {
			t.Fatal(err)
		}
	}
	drayhorsetest.RequireEnqueued(t, env, welcome{UserID: 3}, drayhorse.Group("b"))
	env.Work(w)
	if want := []int64{0, 3, 1, 4, 2}; !slices.Equal(order, want) {
		t.Errorf("they ran in the order %v; want %v", order, want)
	}
}

// TestLimitsGoByTheClockOfTheTest: one job a minute, as the worker declares it.
func TestLimitsGoByTheClockOfTheTest(t *testing.T) {
	t.Parallel()
	env := drayhorsetest.New(t)
	w := newWorker(t, env, func(c *worker.Config) {
		c.Limits = []drayhorse.Limit{{Name: "smtp", Queue: "default", Rate: drayhorse.Rate{Jobs: 1, Per: time.Minute}}}
	})
	worker.Handle(w, func(context.Context, *drayhorse.Job[welcome]) error { return nil })
	for user := range int64(3) {
		if _, err := env.Producer.Enqueue(t.Context(), welcome{UserID: user}); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		if done := env.Work(w); len(done) != 1 {
			t.Errorf("outcomes = %+v; want one a minute", done)
		}
		env.Advance(time.Minute)
	}
	if done := env.Work(w); len(done) != 0 {
		t.Errorf("outcomes = %+v; want none", done)
	}
}

// TestLimitsOfAllQueuesGoByTheClockOfTheTest: of three queues, each with a job that waits; none is passed over.
func TestLimitsOfAllQueuesGoByTheClockOfTheTest(t *testing.T) {
	t.Parallel()
	env := drayhorsetest.New(t)
	queues := []string{"a", "b", "c"}
	w := newWorker(t, env, func(c *worker.Config) {
		c.Queues = map[string]int{"a": 1, "b": 1, "c": 1}
		c.Limits = []drayhorse.Limit{{Name: "smtp", Kind: "welcome", Rate: drayhorse.Rate{Jobs: 1, Per: time.Minute}}}
	})
	worker.Handle(w, func(context.Context, *drayhorse.Job[welcome]) error { return nil })
	for _, queue := range queues {
		if _, err := env.Producer.Enqueue(t.Context(), welcome{UserID: 1}, drayhorse.Queue(queue)); err != nil {
			t.Fatal(err)
		}
	}
	done := 0
	for minute := range 10 {
		now := len(env.Work(w))
		if now > 1 {
			t.Errorf("%d ran in minute %d; want one at most", now, minute)
		}
		done += now
		env.Advance(time.Minute)
	}
	if done != len(queues) {
		t.Errorf("%d ran in ten minutes; want all", done)
	}
}
