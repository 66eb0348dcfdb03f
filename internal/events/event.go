package events

import (
	"encoding/json"
	"time"

	"github.com/drayhorse/drayhorse/internal/printable"
)

// Event is something that happened to a job, or that an operator did. It never has arguments.
type Event struct {
	ID       string    // what one goes on after
	At       time.Time // by Redis's clock
	Type     Type
	Queue    string
	Kind     string // empty: not known, or all of the queue
	JobID    string
	Attempt  int           // 1 for the first
	Most     int           // attempts that it has; 0: not known
	Waited   time.Duration // of Started: from when the job was due to its first attempt
	Ran      time.Duration // of the attempt that ended
	Delay    time.Duration // after which another attempt is due
	Error    string        // of the attempt, cut
	WorkerID string
	Act      string    // of Operator: what was done
	By       string    // of Operator: who did it; empty: nobody says
	On       string    // of Operator: the schedule, limit, group, flow or action
	Why      string    // of Operator: the reason that was given
	Count    int       // of Rescued and Missed, and of Operator on many jobs: how many; 0: not known
	Since    time.Time // of Missed: from when on nothing was kept; zero: these were left out, or are not kept any more
}

// Type says what happened.
type Type string

// The types.
const (
	Started   Type = "started"   // an attempt began
	Completed Type = "completed" // its handler returned nil
	Failed    Type = "failed"    // with another attempt to come
	Discarded Type = "discarded" // out of attempts, given up, or not started in time
	Cancelled Type = "cancelled" // while a worker had it
	Snoozed   Type = "snoozed"   // its handler asked for later
	Limited   Type = "limited"   // it met a rate limit
	Released  Type = "released"  // its worker handed it back
	Diverted  Type = "diverted"  // its worker has no handler for its kind
	Rescued   Type = "rescued"   // jobs of a worker that died are back in line
	Operator  Type = "operator"  // somebody did something
	Missed    Type = "missed"    // events that are not told
)

// Types are all of them.
func Types() []Type {
	return []Type{Started, Completed, Failed, Discarded, Cancelled, Snoozed, Limited, Released, Diverted, Rescued, Operator, Missed}
}

// IsOrdinary reports whether it is an event of a job that goes well, of which there are the most.
func (t Type) IsOrdinary() bool { return t == Started || t == Completed }

// The longest texts that are kept of an event, in bytes.
const (
	MaxError = 300
	maxText  = 200
)

// row is an event as it is kept. The entry says when it was appended, and of which worker it is.
type row struct {
	Type    Type   `json:"t"`
	Ago     int64  `json:"o,omitempty"` // ms before it was appended
	Queue   string `json:"q,omitempty"`
	Kind    string `json:"k,omitempty"`
	JobID   string `json:"j,omitempty"`
	Attempt int    `json:"a,omitempty"`
	Most    int    `json:"m,omitempty"`
	Waited  int64  `json:"w,omitempty"` // µs
	Ran     int64  `json:"r,omitempty"` // µs
	Delay   int64  `json:"d,omitempty"` // ms
	Error   string `json:"e,omitempty"`
	Act     string `json:"c,omitempty"`
	By      string `json:"b,omitempty"`
	On      string `json:"f,omitempty"`
	Why     string `json:"y,omitempty"`
	Count   int    `json:"n,omitempty"`
	Since   int64  `json:"s,omitempty"` // Unix ms
}

func (e *Event) encode(now time.Time) ([]byte, error) {
	return json.Marshal(&row{
		Type: e.Type, Ago: max(now.Sub(e.At).Milliseconds(), 0), Queue: e.Queue, Kind: e.Kind, JobID: e.JobID, Attempt: e.Attempt, Most: e.Most,
		Waited: e.Waited.Microseconds(), Ran: e.Ran.Microseconds(), Delay: e.Delay.Milliseconds(),
		Error: printable.Clip(e.Error, MaxError), Act: printable.Clip(e.Act, maxText), By: printable.Clip(e.By, maxText),
		On: printable.Clip(e.On, maxText), Why: printable.Clip(e.Why, maxText), Count: e.Count,
	})
}

func (r *row) event(at time.Time, worker string) *Event {
	e := &Event{
		At: at.Add(-time.Duration(r.Ago) * time.Millisecond).UTC(), Type: r.Type, Queue: r.Queue, Kind: r.Kind, JobID: r.JobID, Attempt: r.Attempt, Most: r.Most,
		Waited: time.Duration(r.Waited) * time.Microsecond, Ran: time.Duration(r.Ran) * time.Microsecond, Delay: time.Duration(r.Delay) * time.Millisecond,
		Error: r.Error, WorkerID: worker, Act: r.Act, By: r.By, On: r.On, Why: r.Why, Count: r.Count,
	}
	if r.Since != 0 {
		e.Since = time.UnixMilli(r.Since).UTC()
	}
	return e
}
