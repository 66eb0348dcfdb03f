package admin

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/actions"
	"github.com/drayhorse/drayhorse/internal/events"
	"github.com/drayhorse/drayhorse/internal/filter"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/lock"
)

// Verb is what an action does to each job.
type Verb string

// The verbs of actions.
const (
	VerbRetry  Verb = "retry"
	VerbCancel Verb = "cancel"
	VerbDelete Verb = "delete"
)

// ActionState says whether an action runs.
type ActionState string

// The states of an action.
const (
	ActionRunning ActionState = "running" // or it waits for somebody to run it: see RunActions
	ActionDone    ActionState = "done"    // it came to its end, whatever became of single jobs
	ActionStopped ActionState = "stopped" // somebody stopped it; what it has done stays so
	ActionFailed  ActionState = "failed"  // Problem says why
)

// Action is what is done to all jobs that match a filter, and how far that has come. It is
// kept in Redis: of those that have ended the last 200, for 30 days.
type Action struct {
	ID     string      `json:"id"`
	Verb   Verb        `json:"verb"`
	Filter string      `json:"filter"` // in words; times as how long ago are before BegunAt
	Reason string      `json:"reason,omitempty"`
	Actor  string      `json:"actor,omitempty"` // who began it; empty: nobody says
	State  ActionState `json:"state"`
	// States are those that it looks for jobs in.
	States []drayhorse.State `json:"states"`

	BegunAt time.Time `json:"begun_at"` // by Redis's clock: jobs count that were in their state by then
	EndedAt time.Time `json:"ended_at,omitzero"`

	Total   int `json:"total"`   // jobs that were in those states of those queues when it began
	Looked  int `json:"looked"`  // of these, how many were looked at so far
	Matched int `json:"matched"` // of these, how many met the filter
	Changed int `json:"changed"` // of these, how many were retried, cancelled or deleted
	Failed  int `json:"failed"`  // of these, how many could not be

	// Problem is why the action failed, or the first of those jobs.
	Problem   string `json:"problem,omitempty"`
	Runner    string `json:"runner,omitempty"`     // the process that runs it, or did
	StoppedBy string `json:"stopped_by,omitempty"` // who stopped it
}

// Ended reports whether the action is over.
func (a *Action) Ended() bool { return a.State != ActionRunning }

// Order says what an action is to do.
type Order struct {
	Verb   Verb
	Filter Filter // without Limit and Cursor
	Reason string // at most 1 KiB
	Actor  string // who orders it; empty: the Actor of Config
}

// record is an action as it is kept.
type record struct {
	Action

	Where string   `json:"where"`
	At    position `json:"at"`   // the partition that it is at: Queue and Partition alone
	Done  tally    `json:"done"` // in those before
}

// tally counts jobs.
type tally struct {
	Looked  int `json:"l,omitempty"`
	Matched int `json:"m,omitempty"`
	Changed int `json:"c,omitempty"`
	Failed  int `json:"f,omitempty"`
}

// verbs are what each verb is for: the states that it takes, and those that are meant where
// the filter names none.
var verbs = map[Verb]struct{ takes, usual []drayhorse.State }{
	VerbRetry: {
		[]drayhorse.State{drayhorse.Scheduled, drayhorse.Retryable, drayhorse.Completed, drayhorse.Cancelled, drayhorse.Discarded},
		[]drayhorse.State{drayhorse.Retryable, drayhorse.Discarded},
	},
	VerbCancel: {
		[]drayhorse.State{drayhorse.Scheduled, drayhorse.Available, drayhorse.Running, drayhorse.Retryable},
		[]drayhorse.State{drayhorse.Scheduled, drayhorse.Available, drayhorse.Running, drayhorse.Retryable},
	},
	VerbDelete: {
		[]drayhorse.State{drayhorse.Scheduled, drayhorse.Available, drayhorse.Retryable, drayhorse.Completed, drayhorse.Cancelled, drayhorse.Discarded},
		[]drayhorse.State{drayhorse.Scheduled, drayhorse.Available, drayhorse.Retryable, drayhorse.Completed, drayhorse.Cancelled, drayhorse.Discarded},
	},
}

// States are those of jobs that a verb is for.
func States(verb Verb) []drayhorse.State { return slices.Clone(verbs[verb].takes) }

// RetryAll makes all jobs available that match a filter: those that were in their state when
// it began, each once, although others come and go meanwhile. Without a state in the filter
// they are the retryable and the discarded ones. It runs until that is done, in steps of some
// milliseconds with pauses as long; where ctx ends or the process dies it is left where it
// stands, for RunAction and RunActions. The action is given beside an error, too, if it had
// begun. The error is drayhorse.ErrInvalid, ErrNotFound for the queue, ErrBusy or
// ErrUnavailable.
func (a *Admin) RetryAll(ctx context.Context, f Filter, reason string) (*Action, error) {
	return a.actOnAll(ctx, Order{Verb: VerbRetry, Filter: f, Reason: reason})
}

// CancelAll ends all jobs that match a filter, as Cancel does; of jobs that run, the contexts
// end soon. For the rest it is as RetryAll, and without a state means all that have not ended.
func (a *Admin) CancelAll(ctx context.Context, f Filter, reason string) (*Action, error) {
	return a.actOnAll(ctx, Order{Verb: VerbCancel, Filter: f, Reason: reason})
}

// DeleteAll removes all jobs that match a filter, as Delete does. For the rest it is as
// RetryAll, and without a state means all that do not run.
func (a *Admin) DeleteAll(ctx context.Context, f Filter, reason string) (*Action, error) {
	return a.actOnAll(ctx, Order{Verb: VerbDelete, Filter: f, Reason: reason})
}

func (a *Admin) actOnAll(ctx context.Context, o Order) (*Action, error) {
	begun, err := a.StartAction(ctx, o)
	if err != nil {
		return nil, err
	}
	ended, err := a.RunAction(ctx, begun.ID, nil)
	if ended == nil {
		ended = begun
	}
	return ended, err
}

// StartAction notes an action, for RunAction or RunActions to run, here or in another process.
// The errors are those of RetryAll.
func (a *Admin) StartAction(ctx context.Context, o Order) (*Action, error) {
	plan, err := a.plan(o.Verb, &o.Filter)
	if err != nil {
		return nil, err
	}
	if len(o.Reason) > maxWhy {
		return nil, fmt.Errorf("%w: a reason of %d bytes; want at most %d", drayhorse.ErrInvalid, len(o.Reason), maxWhy)
	}
	r := &record{Where: o.Filter.String(), Action: Action{
		Verb: o.Verb, Reason: o.Reason, Actor: cmp.Or(o.Actor, a.actor), State: ActionRunning, States: plan.states,
	}}
	r.Filter = r.Where
	sizes, err := a.sizes(ctx, plan)
	if err != nil {
		return nil, err
	}
	for _, s := range sizes {
		r.Total += s.n
	}
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	row, err := a.actions.Begin(ctx, strings.ToLower(rand.Text()[:12]), string(text))
	if err != nil {
		return nil, err
	}
	begun, err := recordOf(row)
	if err != nil {
		return nil, err
	}
	a.log.InfoContext(ctx, "action begun", begun.about()...)
	a.did("action begun", begun.event())
	return &begun.Action, nil
}

// about is what the log says of an action.
func (r *record) about() []any {
	return []any{
		slog.String("action", r.ID), slog.String("verb", string(r.Verb)), slog.String("filter", r.Filter), slog.String("reason", r.Reason),
		slog.String("actor", r.Actor), slog.String("state", string(r.State)), slog.Int("changed", r.Changed), slog.Int("failed", r.Failed),
	}
}

// event is what those who listen are told of an action: not its filter, which may have arguments.
func (r *record) event() events.Event {
	return events.Event{By: r.Actor, On: r.ID + " " + string(r.Verb), Why: r.Reason, Count: r.Changed}
}

// String says which jobs a valid filter means, in words; "" is all.
func (f *Filter) String() string {
	text := f.Where
	where, err := filter.Parse(f.Where, time.Now())
	if err != nil { // it was read before
		return text
	}
	add := func(name, value, said string) {
		if value != "" && said == "" {
			text = strings.TrimSpace(name + ":" + value + " " + text)
		}
	}
	add("kind", f.Kind, where.Kind)
	add("queue", f.Queue, where.Queue)
	add("state", string(f.State), string(where.State))
	return text
}

// recordOf reads a row.
func recordOf(row *actions.Row) (*record, error) {
	r := new(record)
	if err := json.Unmarshal([]byte(row.Text), r); err != nil {
		return nil, fmt.Errorf("action %s cannot be read: %w", row.ID, err)
	}
	r.ID, r.BegunAt, r.EndedAt = row.ID, row.BegunAt, row.EndedAt
	return r, nil
}

// Action gives an action. The error is drayhorse.ErrNotFound or ErrUnavailable.
func (a *Admin) Action(ctx context.Context, id string) (*Action, error) {
	if err := a.check(ctx); err != nil {
		return nil, err
	}
	row, err := a.actions.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	r, err := recordOf(row)
	if err != nil {
		return nil, err
	}
	return &r.Action, nil
}

// Actions gives all actions that are kept, the last to begin in front. The error is
// drayhorse.ErrUnavailable.
func (a *Admin) Actions(ctx context.Context) ([]*Action, error) {
	if err := a.check(ctx); err != nil {
		return nil, err
	}
	rows, err := a.actions.List(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]*Action, 0, len(rows))
	for _, row := range rows {
		r, err := recordOf(row)
		if err != nil {
			return nil, err
		}
		all = append(all, &r.Action)
	}
	return all, nil
}

// StopAction ends an action where it stands. Whoever runs it is told, and stops within a
// second; one that nobody runs is ended here. One that has ended stays as it is. The error is
// drayhorse.ErrNotFound or ErrUnavailable.
func (a *Admin) StopAction(ctx context.Context, id string) error {
	if _, err := a.Action(ctx, id); err != nil {
		return err
	}
	switch err := a.actions.Stop(ctx, id, cmp.Or(a.actor, "somebody")); {
	case errors.Is(err, drayhorse.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	if err := a.tryAction(ctx, id, nil); err != nil && !errors.Is(err, lock.ErrLocked) && !errors.Is(err, drayhorse.ErrLeaseLost) {
		return err
	}
	return nil
}

// plan is what an action, or a count, looks at.
type plan struct {
	where  *filter.Filter
	queue  string // "": all
	states []drayhorse.State
	places []jobs.Place
}

// plan reads what is wanted. Verb "" is for a count.
func (a *Admin) plan(verb Verb, f *Filter) (*plan, error) {
	known := *f
	if err := known.Validate(); err != nil {
		return nil, err
	}
	if f.Within != nil {
		return nil, fmt.Errorf("%w: within %q for all that match; want a queue or a kind in the filter", drayhorse.ErrInvalid, f.Within)
	}
	if f.Limit != 0 || f.Cursor != "" {
		return nil, fmt.Errorf("%w: a limit or cursor for all that match; want neither", drayhorse.ErrInvalid)
	}
	where, err := known.where(a.client.Now())
	if err != nil {
		return nil, err
	}
	takes := drayhorse.States()
	p := &plan{where: where, queue: known.Queue, states: takes}
	if verb != "" {
		v, ok := verbs[verb]
		if !ok {
			return nil, fmt.Errorf("%w: verb %q; want retry, cancel or delete", drayhorse.ErrInvalid, verb)
		}
		takes, p.states = v.takes, v.usual
	}
	if known.State != "" {
		if !slices.Contains(takes, known.State) {
			return nil, fmt.Errorf("%w: %s of state %q; want %s", drayhorse.ErrInvalid, verb, known.State, jobs.Either(takes))
		}
		p.states = []drayhorse.State{known.State}
	}
	p.places = jobs.Places(p.states...)
	return p, nil
}
