package main

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/drayhorsetest"
)

// TestTheAgentAsksOnce: no answer of the model and no tool is paid for twice, though the worker
// dies, the model fails and a human takes two days.
func TestTheAgentAsksOnce(t *testing.T) {
	t.Parallel()
	env := drayhorsetest.New(t)
	agent, asked, refunds := demo(), []int{}, 0
	model, refund := agent.Model, agent.Tools["refund"]
	agent.Model = func(ctx context.Context, talk []Message) (Message, error) {
		asked = append(asked, len(talk)/2)
		if len(asked) == 2 {
			return Message{}, errors.New("the model is overloaded")
		}
		return model(ctx, talk)
	}
	agent.Tools["refund"] = Tool{Ask: true, Run: func(ctx context.Context, arg string) (string, error) {
		refunds++
		return refund.Run(ctx, arg)
	}}
	w, err := newWorker(env.URL, agent)
	if err != nil {
		t.Fatal(err)
	}
	info, err := env.Producer.Enqueue(t.Context(), Ask{"Refund order 7"}, drayhorse.Queue("agent"), drayhorse.Retain(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	env.WorkFor(time.Hour, w)
	if !slices.Equal(asked, []int{0, 1, 1, 2}) || refunds != 0 {
		t.Fatalf("the model was asked for %v, %d refunds", asked, refunds)
	}
	env.Advance(48 * time.Hour)
	if err := env.Producer.Signal(t.Context(), info.ID, "approve-2", true); err != nil {
		t.Fatal(err)
	}
	outcomes := env.Work(w)
	if len(outcomes) != 1 || string(outcomes[0].Result) != `"Done: payment 12 is refunded"` || refunds != 1 || len(asked) != 5 {
		t.Errorf("outcomes %v, %d refunds, asked for %v", outcomes, refunds, asked)
	}
}

// TestNobodyApproves is an answer, too.
func TestNobodyApproves(t *testing.T) {
	t.Parallel()
	job := drayhorsetest.Job(Ask{"Refund order 7"})
	var steps drayhorsetest.Steps
	agent := demo()
	drayhorsetest.Snoozed(t, agent.Handle(steps.Context(t.Context()), job))
	steps.Advance(73 * time.Hour)
	if err := agent.Handle(steps.Context(t.Context()), job); err != nil {
		t.Fatal(err)
	}
	if got := drayhorsetest.Result[string](t, job); got != "Done: nobody approved that in time" {
		t.Errorf("result %q", got)
	}
}
