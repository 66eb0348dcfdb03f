package dashboard

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/access"
	"github.com/drayhorse/drayhorse/internal/deeds"
)

// What an action is done to, beside what deeds are.
const (
	onQueue    = deeds.OnQueue
	onJob      = deeds.OnJob
	onSchedule = deeds.OnSchedule
	onFlow     = deeds.OnFlow
	onLimit    = deeds.OnLimit
	onAction   = deeds.OnAction
	onAll      = "all" // jobs that match a filter
)

// action is something that a person can do: a button, a question, a deed.
type action struct {
	deeds.Deed // its Name is as the parameter action has it

	Typed bool // the name of what it is done to has to be typed

	needs access.Right // that who does it has to have

	next func(t target, made deeds.Target) string // where to go on; nil: where he came from

	all admin.Verb // what is done to all jobs that match, instead of the deed
}

// target is what an action is done to.
type target struct {
	Name  string // of the queue or the schedule; of a job and a flow its ID
	Queue string // of a job
	Step  string // of a flow: the signal
	State drayhorse.State

	From, To time.Time // of ticks

	Filter admin.Filter // of all jobs that are meant
	Value  string       // of the signal, in JSON
	Reason string       // that was given; "": none
}

// deed gives the target of a deed.
func (t target) deed(on string) deeds.Target {
	to := deeds.Target{Reason: t.Reason}
	switch on {
	case onQueue:
		to.Queue = t.Name
	case onJob:
		to.Queue, to.Job = t.Queue, t.Name
	case onSchedule:
		to.Schedule, to.From, to.To = t.Name, t.From, t.To
	case onLimit:
		to.Limit = t.Name
	case onFlow:
		to.Flow, to.Step, to.Value = t.Name, t.Step, json.RawMessage(t.Value)
	case onAction:
		to.Action = t.Name
	}
	return to
}

// actions are all that the dashboard does.
var actions = []action{
	{Deed: deeds.PauseQueue, needs: access.Steer},
	{Deed: deeds.ResumeQueue, needs: access.Steer},
	{Deed: deeds.DeleteQueue, needs: access.Delete, Typed: true, next: func(target, deeds.Target) string { return "queues" }},
	{Deed: deeds.RetryJob, needs: access.Steer},
	{Deed: deeds.CloneJob, needs: access.Steer, next: toMade},
	{Deed: deeds.CancelJob, needs: access.Steer},
	{Deed: deeds.DeleteJob, needs: access.Delete, next: func(t target, _ deeds.Target) string { return link("jobs", "queue", t.Queue) }},
	{
		Deed: deeds.Deed{
			Name: "retry-all", On: onAll, Verb: "Retry", Effect: "They become available now, each once; jobs that come meanwhile are left alone.", Done: "The action has begun.",
		},
		needs: access.Bulk, all: admin.VerbRetry,
	},
	{
		Deed: deeds.Deed{
			Name: "cancel-all", On: onAll, Verb: "Cancel", Effect: "Those that wait never run. Of those that run, the contexts of the handlers end.", Done: "The action has begun.", Danger: true,
		},
		needs: access.Bulk, all: admin.VerbCancel,
	},
	{
		Deed:  deeds.Deed{Name: "delete-all", On: onAll, Verb: "Delete", Effect: "They go, with all that is known of them.", Done: "The action has begun.", Danger: true},
		needs: access.Bulk, all: admin.VerbDelete,
	},
	{Deed: deeds.StopAction, needs: access.Bulk, next: func(t target, _ deeds.Target) string { return link("action", "id", t.Name) }},
	{Deed: deeds.CloseBreaker, needs: access.Steer},
	{Deed: deeds.RemoveLimit, needs: access.Declare},
	{Deed: deeds.RetryFlow, needs: access.Steer},
	{Deed: deeds.RetryFailedFlow, needs: access.Steer},
	{Deed: deeds.RunFlowAgain, needs: access.Steer},
	{Deed: deeds.SignalFlow, needs: access.Steer},
	{Deed: deeds.CancelFlow, needs: access.Steer},
	{Deed: deeds.PauseSchedule, needs: access.Steer},
	{Deed: deeds.ResumeSchedule, needs: access.Steer},
	{Deed: deeds.BackfillSchedule, needs: access.Steer},
	{Deed: deeds.RemoveSchedule, needs: access.Delete, next: func(target, deeds.Target) string { return "schedules" }},
	{Deed: deeds.TriggerSchedule, needs: access.Steer, next: toMade},
}

// toMade leads to the job that was made.
func toMade(_ target, made deeds.Target) string {
	return link("job", "queue", made.Queue, "id", made.Job)
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
		if a.On == onJob && a.Fits(state) {
			all = append(all, a)
		}
	}
	return all
}

// mayOf leaves those that the user may do.
func (q *request) mayOf(all []action) []action {
	return slices.DeleteFunc(all, func(a action) bool { return !q.may(a.needs) })
}

// What forms do, which nobody has to confirm.
const (
	scheduleSaved = "save-schedule"
	limitSaved    = "save-limit"
	jobSaved      = "save-job"
)

// doneText says what was done, by the name of the action.
func doneText(name string) string {
	switch name {
	case scheduleSaved:
		return "The schedule is saved."
	case jobSaved:
		return "The job has these arguments now."
	case limitSaved:
		return "The limit is set, for all workers and at once."
	}
	if a, err := actionOf(name); err == nil {
		return a.Done
	}
	return ""
}
