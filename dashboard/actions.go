package dashboard

import (
	"context"
	"fmt"
	"slices"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/access"
)

// What an action is done to.
const (
	onQueue    = "queue"
	onJob      = "job"
	onSchedule = "schedule"
	onAll      = "all"    // jobs that match a filter
	onAction   = "action" // one that was begun
)

// action is something that a person can do: a button, a question, a deed.
type action struct {
	Name   string // as the parameter action has it
	On     string
	Verb   string // on the button
	Effect string // in the question: what it does
	Done   string // afterwards
	Danger bool   // it cannot be undone
	Typed  bool   // the name of what it is done to has to be typed

	needs access.Right // that who does it has to have

	act func(ctx context.Context, a *admin.Admin, t target) (string, error) // may give where to go on

	all admin.Verb // instead of act: what is done to all jobs that match
}

// target is what an action is done to.
type target struct {
	Name  string // of the queue or the schedule; of a job its ID
	Queue string // of a job
	State drayhorse.State

	Filter admin.Filter // of all jobs that are meant
	Reason string       // that was given; "": none
}

// actions are all that the dashboard does.
var actions = []action{
	{
		Name: "pause-queue", needs: access.Steer, On: onQueue, Verb: "Pause", Effect: "Its jobs wait until it is resumed. Jobs that run go on.", Done: "The queue is paused.",
		act: func(ctx context.Context, a *admin.Admin, t target) (string, error) {
			return "", a.Pause(ctx, admin.Target{Queue: t.Name}, t.Reason)
		},
	},
	{
		Name: "resume-queue", needs: access.Steer, On: onQueue, Verb: "Resume", Effect: "Workers claim its jobs again.", Done: "The queue goes on.",
		act: func(ctx context.Context, a *admin.Admin, t target) (string, error) {
			return "", a.Resume(ctx, admin.Target{Queue: t.Name}, t.Reason)
		},
	},
	{
		Name: "delete-queue", needs: access.Delete, On: onQueue, Verb: "Delete queue", Effect: "All that is known of it goes, its ended jobs included. With jobs that wait or run it stays as it is.",
		Done: "The queue is deleted.", Danger: true, Typed: true,
		act: func(ctx context.Context, a *admin.Admin, t target) (string, error) {
			_, err := a.DeleteQueue(ctx, t.Name, false)
			return "queues", err
		},
	},
	{
		Name: "retry-job", needs: access.Steer, On: onJob, Verb: "Retry", Effect: "It becomes available now, whether it waits for its time or has ended.", Done: "The job is available.",
		act: func(ctx context.Context, a *admin.Admin, t target) (string, error) {
			return "", a.Retry(ctx, t.Queue, t.Name)
		},
	},
	{
		Name: "cancel-job", needs: access.Steer, On: onJob, Verb: "Cancel", Effect: "While it waits, it never runs. While it runs, the context of its handler ends.", Done: "The job was told to end.", Danger: true,
		act: func(ctx context.Context, a *admin.Admin, t target) (string, error) {
			return "", a.Cancel(ctx, t.Queue, t.Name)
		},
	},
	{
		Name: "delete-job", needs: access.Delete, On: onJob, Verb: "Delete", Effect: "It goes, with all that is known of it. A job that runs stays.", Done: "The job is deleted.", Danger: true,
		act: func(ctx context.Context, a *admin.Admin, t target) (string, error) {
			return link("jobs", "queue", t.Queue), a.Delete(ctx, t.Queue, t.Name)
		},
	},
	{
		Name: "retry-all", needs: access.Bulk, On: onAll, Verb: "Retry", Effect: "They become available now, each once; jobs that come meanwhile are left alone.", Done: "The action has begun.",
		all: admin.VerbRetry,
	},
	{
		Name: "cancel-all", needs: access.Bulk, On: onAll, Verb: "Cancel", Effect: "Those that wait never run. Of those that run, the contexts of the handlers end.", Done: "The action has begun.", Danger: true,
		all: admin.VerbCancel,
	},
	{
		Name: "delete-all", needs: access.Bulk, On: onAll, Verb: "Delete", Effect: "They go, with all that is known of them.", Done: "The action has begun.", Danger: true,
		all: admin.VerbDelete,
	},
	{
		Name: "stop-action", needs: access.Bulk, On: onAction, Verb: "Stop", Effect: "It ends where it stands. What it has done stays so.", Done: "The action was told to stop.", Danger: true,
		act: func(ctx context.Context, a *admin.Admin, t target) (string, error) {
			return link("action", "id", t.Name), a.StopAction(ctx, t.Name)
		},
	},
	{
		Name: "pause-schedule", needs: access.Steer, On: onSchedule, Verb: "Pause", Effect: "Its ticks stop until it is resumed; those that come meanwhile are not made up.", Done: "The schedule is paused.",
		act: func(ctx context.Context, a *admin.Admin, t target) (string, error) {
			return "", a.PauseSchedule(ctx, t.Name)
		},
	},
	{
		Name: "resume-schedule", needs: access.Steer, On: onSchedule, Verb: "Resume", Effect: "It goes on from its next tick.", Done: "The schedule goes on.",
		act: func(ctx context.Context, a *admin.Admin, t target) (string, error) {
			return "", a.ResumeSchedule(ctx, t.Name)
		},
	},
	{
		Name: "trigger-schedule", needs: access.Steer, On: onSchedule, Verb: "Run now", Effect: "A job of it is enqueued now, beside its ticks.", Done: "A job was enqueued.",
		act: func(ctx context.Context, a *admin.Admin, t target) (string, error) {
			queue, id, err := a.TriggerSchedule(ctx, t.Name)
			return link("job", "queue", queue, "id", id), err
		},
	},
}

// actionOf gives the action of a name.
func actionOf(name string) (action, error) {
	i := slices.IndexFunc(actions, func(a action) bool { return a.Name == name })
	if i < 0 {
		return action{}, fmt.Errorf("%w: action %q is not known", drayhorse.ErrInvalid, clip(name))
	}
	return actions[i], nil
}

// jobActions are those that a job in a state allows.
func jobActions(state drayhorse.State) (all []action) {
	for _, a := range actions {
		fits := map[string]bool{
			"retry-job":  state != drayhorse.Running && state != drayhorse.Available,
			"cancel-job": !state.Ended(),
			"delete-job": state != drayhorse.Running,
		}
		if fits[a.Name] {
			all = append(all, a)
		}
	}
	return all
}

// mayOf leaves those that the user may do.
func (q *request) mayOf(all []action) []action {
	return slices.DeleteFunc(all, func(a action) bool { return !q.may(a.needs) })
}

// doneText says what was done, by the name of the action.
func doneText(name string) string {
	if a, err := actionOf(name); err == nil {
		return a.Done
	}
	return ""
}
