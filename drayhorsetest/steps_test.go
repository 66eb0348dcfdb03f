package drayhorsetest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/drayhorsetest"
	"github.com/drayhorse/drayhorse/step"
)

type refund struct{}

func (refund) Kind() string { return "refund" }

// handleRefund looks a payment up, waits a day, asks, and waits for the answer.
func handleRefund(ctx context.Context, job *drayhorse.Job[refund]) error {
	payment, err := step.Run(ctx, "find", func(context.Context) (string, error) { return "p1", nil })
	if err != nil {
		return err
	}
	if err := step.Sleep(ctx, "cool-off", 24*time.Hour); err != nil {
		return err
	}
	approved, err := step.WaitSignal[bool](ctx, "approved", 48*time.Hour)
	if errors.Is(err, step.ErrTimeout) {
		return drayhorse.Discard(err)
	}
	if err != nil {
		return err
	}
	return job.SetResult(fmt.Sprint(payment, approved))
}

// TestStepsOfAJobByHand go as they do in a worker.
func TestStepsOfAJobByHand(t *testing.T) {
	t.Parallel()
	for _, answered := range []bool{true, false} {
		job := drayhorsetest.Job(refund{})
		var steps drayhorsetest.Steps
		steps.Keep(t, "find", "p7")
		run := func() error { return handleRefund(steps.Context(t.Context()), job) }
		if d := drayhorsetest.Snoozed(t, run()); d.Round(time.Minute) != 24*time.Hour {
			t.Errorf("it sleeps for %v", d)
		}
		if kept := steps.Kept(); len(kept.Steps) != 2 || kept.Steps[1].Done {
			t.Errorf("kept %v", &steps)
		}
		steps.Advance(25 * time.Hour)
		if d := drayhorsetest.Snoozed(t, run()); d.Round(time.Minute) != 48*time.Hour {
			t.Errorf("it waits for %v", d)
		}
		if !answered {
			steps.Advance(49 * time.Hour)
			steps.Signal(t, "approved", true)
			if err := run(); !errors.Is(err, step.ErrTimeout) {
				t.Errorf("error %v, want ErrTimeout", err)
			}
			continue
		}
		steps.Signal(t, "approved", true)
		steps.Signal(t, "approved", false)
		if err := run(); err != nil {
			t.Fatal(err)
		}
		if got := drayhorsetest.Result[string](t, job); got != "p7true" {
			t.Errorf("result %q", got)
		}
		if kept := steps.Kept(); !kept.Waits[0].Came || len(kept.Signals) != 1 {
			t.Errorf("kept %v", &steps)
		}
	}
}

// TestStepsWithoutSteps: a handler that is called with a plain context says what it wants.
func TestStepsWithoutSteps(t *testing.T) {
	t.Parallel()
	if err := handleRefund(t.Context(), drayhorsetest.Job(refund{})); !errors.Is(err, drayhorse.ErrInvalid) {
		t.Errorf("error %v", err)
	}
}
