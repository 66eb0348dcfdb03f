package drayhorsetest_test

import (
	"context"
	"fmt"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/drayhorsetest"
	"github.com/drayhorse/drayhorse/step"
)

// A handler that waits for a signal is called by hand.
func ExampleSteps() {
	t := newT() // in a test, its *testing.T
	handler := func(ctx context.Context, job *drayhorse.Job[Reminder]) error {
		if err := step.Sleep(ctx, "a-day", 24*time.Hour); err != nil {
			return err
		}
		sure, err := step.WaitSignal[bool](ctx, "sure", time.Hour)
		if err != nil {
			return err
		}
		return job.SetResult(sure)
	}
	job := drayhorsetest.Job(Reminder{UserID: 42})
	var steps drayhorsetest.Steps
	err := handler(steps.Context(context.Background()), job)
	fmt.Println(drayhorsetest.Snoozed(t, err).Round(time.Hour))
	steps.Advance(25 * time.Hour)
	steps.Signal(t, "sure", true)
	err = handler(steps.Context(context.Background()), job)
	fmt.Println(err, drayhorsetest.Result[bool](t, job))
	// Output:
	// 24h0m0s
	// <nil> true
}

// A handler that has other jobs done: the test says what they come to.
func ExampleSteps_Complete() {
	t := newT()
	handler := func(ctx context.Context, job *drayhorse.Job[Reminder]) error {
		sent, err := step.Jobs[bool](ctx, "mails", drayhorse.Spec{Args: Reminder{UserID: 7}}, drayhorse.Spec{Args: Reminder{UserID: 8}})
		if err != nil {
			return err
		}
		return job.SetResult(sent)
	}
	job := drayhorsetest.Job(Reminder{UserID: 42})
	var steps drayhorsetest.Steps
	err := handler(steps.Context(context.Background()), job)
	fmt.Println(drayhorsetest.Snoozed(t, err) > 0, len(steps.Jobs("mails")))
	steps.Complete(t, "mails", true, false)
	err = handler(steps.Context(context.Background()), job)
	fmt.Println(err, drayhorsetest.Result[[]bool](t, job))
	// Output:
	// true 2
	// <nil> [true false]
}

// What the steps of a handler have come to already, and what it has kept after a run.
func ExampleSteps_Keep() {
	t := newT()
	handler := func(ctx context.Context, job *drayhorse.Job[Reminder]) error {
		charge, err := step.Run(ctx, "charge", func(context.Context) (string, error) { return "a new charge", nil })
		if err != nil {
			return err
		}
		rows, err := job.Stream("rows")
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(rows, "row 1\n"); err != nil {
			return err
		}
		return job.SetResult(charge)
	}
	job := drayhorsetest.Job(Reminder{UserID: 42})
	var steps drayhorsetest.Steps
	steps.Keep(t, "charge", "the charge of an earlier run")
	err := handler(steps.Context(context.Background()), job)
	fmt.Println(drayhorsetest.Result[string](t, job), err)
	fmt.Println(len(steps.Kept().Steps), string(drayhorsetest.Stream(t, job, "rows")))
	// Output:
	// the charge of an earlier run <nil>
	// 1 row 1
}
