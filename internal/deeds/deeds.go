// Package deeds is what a person can do to a queue, a job, a schedule, a flow or an action, in words
// and in calls: pages in a browser and on a terminal ask and say the same.
package deeds

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/flow"
)

// What a deed is done to.
const (
	OnQueue    = "queue"
	OnJob      = "job"
	OnSchedule = "schedule"
	OnFlow     = "flow" // or a batch
	OnLimit    = "limit"
	OnAction   = "action" // on many jobs, that was begun
)

// Deed is a button, a question and an act.
type Deed struct {
	Name   string
	On     string
	Verb   string // on the button
	Effect string // in the question: what it does
	Done   string // afterwards
	Danger bool   // it cannot be undone

	do func(ctx context.Context, a *admin.Admin, t Target) (made Target, err error)
}

// Target is what a deed is done to: a queue by Queue, a job by its Job and Queue, and so on.
type Target struct {
	Queue, Job, Schedule, Flow, Limit, Action string

	From, To time.Time // of ticks

	Step   string          // of a flow: that waits for a signal
	Value  json.RawMessage // of the signal
	Reason string          // that was given; "": none
}

// Do does it, and gives the job that was made by it, if one was. The errors are those of
// admin's.
func (d Deed) Do(ctx context.Context, a *admin.Admin, t Target) (made Target, err error) {
	return d.do(ctx, a, t)
}

// only makes an act that makes nothing.
func only(act func(ctx context.Context, a *admin.Admin, t Target) error) func(ctx context.Context, a *admin.Admin, t Target) (Target, error) {
	return func(ctx context.Context, a *admin.Admin, t Target) (Target, error) { return Target{}, act(ctx, a, t) }
}

// All that is done to one thing.
var (
	StopAction = Deed{
		Name: "stop-action", On: OnAction, Verb: "Stop", Effect: "It ends where it stands. What it has done stays so.", Done: "The action was told to stop.", Danger: true,
		do: only(func(ctx context.Context, a *admin.Admin, t Target) error { return a.StopAction(ctx, t.Action) }),
	}
	PauseQueue = Deed{
		Name: "pause-queue", On: OnQueue, Verb: "Pause", Effect: "Its jobs wait until it is resumed. Jobs that run go on.", Done: "The queue is paused.",
		do: only(func(ctx context.Context, a *admin.Admin, t Target) error {
			return a.Pause(ctx, admin.Target{Queue: t.Queue}, t.Reason)
		}),
	}
	ResumeQueue = Deed{
		Name: "resume-queue", On: OnQueue, Verb: "Resume", Effect: "Workers claim its jobs again.", Done: "The queue goes on.",
		do: only(func(ctx context.Context, a *admin.Admin, t Target) error {
			return a.Resume(ctx, admin.Target{Queue: t.Queue}, t.Reason)
		}),
	}
	DeleteQueue = Deed{
		Name: "delete-queue", On: OnQueue, Verb: "Delete queue", Effect: "All that is known of it goes, its ended jobs included. With jobs that wait or run it stays as it is.",
		Done: "The queue is deleted.", Danger: true,
		do: only(func(ctx context.Context, a *admin.Admin, t Target) error {
			_, err := a.DeleteQueue(ctx, t.Queue, false)
			return err
		}),
	}
	RetryJob = Deed{
		Name: "retry-job", On: OnJob, Verb: "Retry", Effect: "It becomes available now, whether it waits for its time or has ended.", Done: "The job is available.",
		do: only(func(ctx context.Context, a *admin.Admin, t Target) error { return a.Retry(ctx, t.Queue, t.Job) }),
	}
	CancelJob = Deed{
		Name: "cancel-job", On: OnJob, Verb: "Cancel", Effect: "While it waits, it never runs. While it runs, the context of its handler ends.", Done: "The job was told to end.", Danger: true,
		do: only(func(ctx context.Context, a *admin.Admin, t Target) error { return a.Cancel(ctx, t.Queue, t.Job) }),
	}
	CloneJob = Deed{
		Name: "clone-job", On: OnJob, Verb: "Clone", Effect: "A new job with the same arguments and settings is enqueued and runs at once. It is unique by nothing, and of no batch, flow or schedule.", Done: "This is the clone.",
		do: func(ctx context.Context, a *admin.Admin, t Target) (Target, error) {
			id, err := a.CloneJob(ctx, t.Queue, t.Job)
			return Target{Queue: t.Queue, Job: id}, err
		},
	}
	DeleteJob = Deed{
		Name: "delete-job", On: OnJob, Verb: "Delete", Effect: "It goes, with all that is known of it. A job that runs stays.", Done: "The job is deleted.", Danger: true,
		do: only(func(ctx context.Context, a *admin.Admin, t Target) error { return a.Delete(ctx, t.Queue, t.Job) }),
	}
	PauseSchedule = Deed{
		Name: "pause-schedule", On: OnSchedule, Verb: "Pause", Effect: "Its ticks stop until it is resumed; those that come meanwhile are not made up.", Done: "The schedule is paused.",
		do: only(func(ctx context.Context, a *admin.Admin, t Target) error { return a.PauseSchedule(ctx, t.Schedule) }),
	}
	ResumeSchedule = Deed{
		Name: "resume-schedule", On: OnSchedule, Verb: "Resume", Effect: "It goes on from its next tick.", Done: "The schedule goes on.",
		do: only(func(ctx context.Context, a *admin.Admin, t Target) error { return a.ResumeSchedule(ctx, t.Schedule) }),
	}
	CancelFlow = Deed{
		Name: "cancel-flow", On: OnFlow, Verb: "Cancel", Effect: "What waits in it never runs. Of jobs that run, the contexts of the handlers end. A batch takes no more.",
		Done: "It was told to end.", Danger: true,
		do: only(func(ctx context.Context, a *admin.Admin, t Target) error {
			_, err := a.CancelFlow(ctx, t.Flow)
			return err
		}),
	}
	RetryFlow       = retryFlow("retry-flow", "Retry", "The steps that failed run again, and those that were cancelled because of them.", flow.FailedAndDownstream)
	RetryFailedFlow = retryFlow("retry-failed-flow", "Retry failed", "The steps that failed run again, and nothing that was cancelled because of them.", flow.FailedOnly)
	RunFlowAgain    = retryFlow("run-flow-again", "Run all again", "All steps that have ended run again, those that completed, too. Signals are waited for anew.", flow.All)
	SignalFlow      = Deed{
		Name: "signal-flow", On: OnFlow, Verb: "Signal", Effect: "What comes after that step goes on, and may read the value. The first signal stays: there can be no other.",
		Done: "The signal is there.", Danger: true,
		do: only(func(ctx context.Context, a *admin.Admin, t Target) error {
			_, err := a.SignalFlow(ctx, t.Flow, t.Step, t.Value)
			return err
		}),
	}
	CloseBreaker = Deed{
		Name: "close-breaker", On: OnLimit, Verb: "Close the breaker", Effect: "Its jobs start at once, before the cool-down is over; what has failed until now no longer counts.", Done: "The breaker is closed.",
		do: only(func(ctx context.Context, a *admin.Admin, t Target) error {
			return a.CloseBreaker(ctx, t.Limit, t.Reason)
		}),
	}
	RemoveLimit = Deed{
		Name: "remove-limit", On: OnLimit, Verb: "Remove", Effect: "Its jobs start without it, at once. A worker that declares it does so again when it starts.", Done: "The limit is removed.", Danger: true,
		do: only(func(ctx context.Context, a *admin.Admin, t Target) error {
			return a.RemoveLimit(ctx, t.Limit, t.Reason)
		}),
	}
	BackfillSchedule = Deed{
		Name: "backfill-schedule", On: OnSchedule, Verb: "Backfill", Done: "The ticks were enqueued.",
		Effect: "A job is enqueued for each tick of a time, both ends included, whether it has had one or not. The same again enqueues none of them twice within a day.",
		do: only(func(ctx context.Context, a *admin.Admin, t Target) error {
			if t.From.IsZero() || t.To.IsZero() {
				return fmt.Errorf("%w: the first or the last tick is not given; want both", drayhorse.ErrInvalid)
			}
			_, err := a.BackfillSchedule(ctx, t.Schedule, t.From, t.To)
			return err
		}),
	}
	RemoveSchedule = Deed{
		Name: "remove-schedule", On: OnSchedule, Verb: "Remove", Done: "The schedule is removed.", Danger: true,
		Effect: "It fires no more; its jobs stay. One that a source declares comes back when that source is declared again.",
		do:     only(func(ctx context.Context, a *admin.Admin, t Target) error { return a.RemoveSchedule(ctx, t.Schedule) }),
	}
	TriggerSchedule = Deed{
		Name: "trigger-schedule", On: OnSchedule, Verb: "Run now", Effect: "A job of it is enqueued now, beside its ticks.", Done: "A job was enqueued.",
		do: func(ctx context.Context, a *admin.Admin, t Target) (Target, error) {
			queue, id, err := a.TriggerSchedule(ctx, t.Schedule)
			return Target{Queue: queue, Job: id}, err
		},
	}
)

// retryFlow makes the deed that has steps of a flow run again.
func retryFlow(name, verb, effect string, again flow.Again) Deed {
	return Deed{
		Name: name, On: OnFlow, Verb: verb, Effect: effect, Done: "Steps run again.",
		do: only(func(ctx context.Context, a *admin.Admin, t Target) error {
			_, err := a.RetryFlow(ctx, t.Flow, again)
			return err
		}),
	}
}

// Fits reports whether a job in a state allows a deed.
func (d Deed) Fits(state drayhorse.State) bool {
	switch d.Name {
	case RetryJob.Name:
		return state != drayhorse.Running && state != drayhorse.Available
	case CloneJob.Name:
		return true
	case CancelJob.Name:
		return !state.Ended()
	case DeleteJob.Name:
		return state != drayhorse.Running
	}
	return false
}
