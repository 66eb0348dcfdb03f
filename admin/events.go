package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/events"
	"github.com/drayhorse/drayhorse/internal/filter"
	"github.com/drayhorse/drayhorse/internal/scope"
)

// Event is something that happened to a job, or that an operator did. Fields that do not apply are
// zero. No event has arguments or results.
type Event struct {
	ID       string        // EventQuery.After, to go on behind it
	At       time.Time     // by Redis's clock
	Type     EventType     // what happened
	Queue    string        //
	Kind     string        // empty: not known, or all of the queue
	JobID    string        //
	Attempt  int           // 1 for the first
	Most     int           // attempts that the job has; 0: not known
	Waited   time.Duration // from when the job was due to its first attempt
	Ran      time.Duration // of the attempt that ended
	Delay    time.Duration // after which another attempt is due
	Error    string        // of the attempt, the first 300 bytes
	WorkerID string        // that tells it
	Act      string        // of EventOperator: what was done, such as "queue paused"
	By       string        // of EventOperator: who did it, the Actor of Config; empty: nobody says
	On       string        // of EventOperator: a schedule, limit, group, flow or action
	Why      string        // of EventOperator: the reason that was given
	Count    int           // of EventRescued, EventMissed and acts on many jobs: how many; 0: not known
	Since    time.Time     // of EventMissed: since when nobody has listened, so that nothing was kept
}

// EventType says what happened.
type EventType string

// The types of events.
const (
	EventStarted   = EventType(events.Started)   // an attempt began
	EventCompleted = EventType(events.Completed) // its handler returned nil
	EventFailed    = EventType(events.Failed)    // with another attempt to come
	EventDiscarded = EventType(events.Discarded) // out of attempts, given up, or not started in time
	EventCancelled = EventType(events.Cancelled) // while a worker had it
	EventSnoozed   = EventType(events.Snoozed)   // its handler asked for later
	EventLimited   = EventType(events.Limited)   // it met a rate limit
	EventReleased  = EventType(events.Released)  // its worker handed it back
	EventDiverted  = EventType(events.Diverted)  // its worker has no handler for its kind
	EventRescued   = EventType(events.Rescued)   // jobs of a worker that died are back in line
	EventOperator  = EventType(events.Operator)  // somebody did something, by this package
	EventMissed    = EventType(events.Missed)    // events are left out here
)

// EventTypes are all of them.
func EventTypes() []EventType {
	var all []EventType
	for _, t := range events.Types() {
		all = append(all, EventType(t))
	}
	return all
}

// AllEvents is the After of an EventQuery for all that is kept.
const AllEvents = events.All

// EventQuery says which events are wanted. The zero value is all, from now on.
type EventQuery struct {
	// After is the ID of the last event that one has: what came since follows. Empty: what is to
	// come; AllEvents: all that is kept.
	After string
	Queue string      // empty: all queues
	Kind  string      // empty: all kinds, and what is of none
	Types []EventType // empty: all; EventMissed always comes
	// Where says it in words, with queue:, kind:, id: and error: of a Filter's. Empty: all.
	Where string
	// Within are entries QUEUE or QUEUE/KIND, * for all queues or kinds, of which an event has to
	// meet one. What is of no queue meets * alone. nil: all.
	Within []string
}

// Validate reports the first impossible value, as drayhorse.ErrInvalid.
func (q *EventQuery) Validate() error {
	_, err := q.where()
	return err
}

// where reads what is asked for.
func (q *EventQuery) where() (*filter.Filter, error) {
	f := Filter{Queue: q.Queue, Kind: q.Kind, Where: q.Where, Within: q.Within}
	if err := f.Validate(); err != nil {
		return nil, err
	}
	for _, t := range q.Types {
		if !slices.Contains(EventTypes(), t) {
			return nil, fmt.Errorf("%w: type %.50q of events; want one of %s", drayhorse.ErrInvalid, string(t), typeNames())
		}
	}
	if err := events.ValidateID(q.After); err != nil {
		return nil, err
	}
	where, err := f.where(time.Time{})
	if err != nil {
		return nil, err
	}
	known := filter.Filter{Queue: where.Queue, Kind: where.Kind, ID: where.ID, Error: where.Error}
	if !where.Equal(&known) {
		return nil, fmt.Errorf("%w: filter %.200q of events; want only queue:, kind:, id: and error: in it", drayhorse.ErrInvalid, q.Where)
	}
	return where, nil
}

func typeNames() string {
	var names []string
	for _, t := range EventTypes() {
		names = append(names, string(t))
	}
	return strings.Join(names, ", ")
}

// Events are events as they come, one after the other. It is for one goroutine.
type Events struct {
	listener *events.Listener
	wanted   wanted
}

// Events listens to what happens in the namespace: to attempts of jobs, as workers know of them,
// and to what operators do. Workers begin to tell within some seconds after the first listener has
// come, and go on for five minutes after the last has gone: who comes back in that time with the
// ID of the last event misses none. 8 MiB of events are kept, an hour at most, and who comes too
// late, or is too slow, is told how many are missing. Nothing waits for a listener. Close it. The
// error is drayhorse.ErrInvalid, ErrUnavailable or ErrClosed.
func (a *Admin) Events(ctx context.Context, q EventQuery) (*Events, error) {
	where, err := q.where()
	if err != nil {
		return nil, err
	}
	if err := a.check(ctx); err != nil {
		return nil, err
	}
	listener, err := a.events.Listen(ctx, q.After)
	if err != nil {
		return nil, err
	}
	return &Events{listener, wanted{where, q.Types, q.Within}}, nil
}

// Next waits for the next events that are wanted, and gives those that are there, about 500 at
// most. The error is ctx's; drayhorse.ErrUnavailable, after which Next goes on where it was; or
// ErrClosed, when the Admin was closed.
func (e *Events) Next(ctx context.Context) ([]*Event, error) {
	for {
		some, err := e.listener.Next(ctx)
		if err != nil {
			return nil, err
		}
		if wanted := e.wanted.among(eventsOf(some)); len(wanted) > 0 {
			return wanted, nil
		}
	}
}

// After is the ID of the last event that Next has come to, whether it was wanted or not: an
// EventQuery with that goes on there.
func (e *Events) After() string { return e.listener.After() }

// Close ends the listening.
func (e *Events) Close() { e.listener.Close() }

func eventsOf(all []*events.Event) []*Event {
	out := make([]*Event, len(all))
	for i, e := range all {
		out[i] = &Event{
			e.ID, e.At, EventType(e.Type), e.Queue, e.Kind, e.JobID, e.Attempt, e.Most, e.Waited, e.Ran, e.Delay,
			e.Error, e.WorkerID, e.Act, e.By, e.On, e.Why, e.Count, e.Since,
		}
	}
	return out
}

// wanted is which events are asked for.
type wanted struct {
	where  *filter.Filter
	types  []EventType
	within scope.Scope // nil: all
}

func (w *wanted) among(all []*Event) (some []*Event) {
	for _, e := range all {
		if e.Type == EventMissed || w.has(e) {
			some = append(some, e)
		}
	}
	return some
}

func (w *wanted) has(e *Event) bool {
	f := w.where
	return (len(w.types) == 0 || slices.Contains(w.types, e.Type)) && w.mayBeSeen(e) &&
		(f.Queue == "" || e.Queue == f.Queue) && (f.Kind == "" || e.Kind == f.Kind) && strings.HasPrefix(e.JobID, f.ID) &&
		(f.Error == "" || strings.Contains(strings.ToLower(e.Error), f.Error))
}

func (w *wanted) mayBeSeen(e *Event) bool {
	switch {
	case w.within == nil:
		return true
	case e.Kind == "": // of whatever kind
		return w.within.HasAll(e.Queue)
	}
	return w.within.Has(e.Queue, e.Kind)
}

// eventJSON is how an event is written: names in snake case, times in ms.
type eventJSON struct {
	ID       string    `json:"id"`
	At       time.Time `json:"at"`
	Type     EventType `json:"type"`
	Queue    string    `json:"queue,omitempty"`
	Kind     string    `json:"kind,omitempty"`
	JobID    string    `json:"job_id,omitempty"`
	Attempt  int       `json:"attempt,omitempty"`
	Most     int       `json:"max_attempts,omitempty"`
	Waited   float64   `json:"waited_ms,omitempty"`
	Ran      float64   `json:"ran_ms,omitempty"`
	Delay    float64   `json:"delay_ms,omitempty"`
	Error    string    `json:"error,omitempty"`
	WorkerID string    `json:"worker_id,omitempty"`
	Act      string    `json:"act,omitempty"`
	By       string    `json:"by,omitempty"`
	On       string    `json:"on,omitempty"`
	Why      string    `json:"why,omitempty"`
	Count    int       `json:"count,omitempty"`
	Since    time.Time `json:"since,omitzero"`
}

// MarshalJSON gives durations in ms.
func (e Event) MarshalJSON() ([]byte, error) {
	return json.Marshal(eventJSON{
		e.ID, e.At, e.Type, e.Queue, e.Kind, e.JobID, e.Attempt, e.Most, inMS(e.Waited), inMS(e.Ran), inMS(e.Delay),
		e.Error, e.WorkerID, e.Act, e.By, e.On, e.Why, e.Count, e.Since,
	})
}

// UnmarshalJSON reads what MarshalJSON gives.
func (e *Event) UnmarshalJSON(text []byte) error {
	var j eventJSON
	if err := json.Unmarshal(text, &j); err != nil {
		return err
	}
	*e = Event{
		j.ID, j.At, j.Type, j.Queue, j.Kind, j.JobID, j.Attempt, j.Most, ofMS(j.Waited), ofMS(j.Ran), ofMS(j.Delay),
		j.Error, j.WorkerID, j.Act, j.By, j.On, j.Why, j.Count, j.Since,
	}
	return nil
}

// latestEvents is how many events LatestEvents gives, about.
const latestEvents = 1000

// LatestEvents gives the last events that are kept, about 1,000, the latest first, and says that
// somebody listens: workers go on to tell for five minutes. The error is
// drayhorse.ErrUnavailable.
func (a *Admin) LatestEvents(ctx context.Context) ([]*Event, error) {
	if err := a.check(ctx); err != nil {
		return nil, err
	}
	all, err := a.events.Latest(ctx, latestEvents)
	if err != nil {
		return nil, err
	}
	slices.Reverse(all)
	return eventsOf(all), nil
}

// Select gives those of some events that are wanted, and all of type EventMissed; After says
// nothing of them. The error is drayhorse.ErrInvalid.
func (q *EventQuery) Select(all []*Event) ([]*Event, error) {
	where, err := q.where()
	if err != nil {
		return nil, err
	}
	w := wanted{where, q.Types, q.Within}
	return w.among(all), nil
}
