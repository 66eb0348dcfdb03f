package drayhorse

import (
	"encoding/json"
	"time"
)

// Info is what is known of a job at one moment. Of one with an ID of the caller's own of which
// nothing is kept, ID, Queue and State are known for 24 h after its end, and nothing else; it
// counts as cancelled if it was deleted before it ended.
type Info struct {
	ID          string
	Kind        string
	Queue       string
	State       State
	Duplicate   bool // from Enqueue: the ID was known already, and this is that job
	Attempt     int  // 1 + the failed attempts so far; of an ended job: its last attempt
	MaxAttempts int
	EnqueuedAt  time.Time // by the producer's clock
	DueAt       time.Time // when it is to run; zero unless scheduled or retryable
	FinishedAt  time.Time // zero until it has ended
	Tick        time.Time // nominal time of a periodic job, else zero
	Priority    Priority  // see there
	Group       string    // see the option of that name
	Tags        []string  // see the option of that name
	Args        json.RawMessage
	Result      json.RawMessage
	Worker      string         // the ID of the worker that runs it; empty: it does not run
	Rescues     int            // how often its worker died while it ran
	Parked      bool           // it is available, and set aside for a worker that serves its kind: none has come so far
	Progress    *Progress      // as its handler last said; nil: it has not
	Errors      []AttemptError // oldest first, the last 25
}

// AttemptError is why one attempt failed, or why the job ended as it did.
type AttemptError struct {
	Attempt int       `json:"attempt"`
	At      time.Time `json:"at"`
	Message string    `json:"message"`
	Stack   string    `json:"stack,omitempty"` // of a panic
}

// infoJSON is Info in snake_case, with what is unknown left out.
type infoJSON struct {
	ID          string          `json:"id"`
	Kind        string          `json:"kind,omitempty"`
	Queue       string          `json:"queue"`
	State       State           `json:"state"`
	Duplicate   bool            `json:"duplicate,omitempty"`
	Attempt     int             `json:"attempt"`
	MaxAttempts int             `json:"max_attempts"`
	EnqueuedAt  time.Time       `json:"enqueued_at,omitzero"`
	DueAt       time.Time       `json:"due_at,omitzero"`
	FinishedAt  time.Time       `json:"finished_at,omitzero"`
	Tick        time.Time       `json:"tick,omitzero"`
	Priority    Priority        `json:"priority,omitempty"`
	Group       string          `json:"group,omitempty"`
	Tags        []string        `json:"tags,omitempty"`
	Args        json.RawMessage `json:"args,omitempty"`
	Result      json.RawMessage `json:"result,omitempty"`
	Worker      string          `json:"worker,omitempty"`
	Rescues     int             `json:"rescues,omitempty"`
	Parked      bool            `json:"parked,omitempty"`
	Progress    *Progress       `json:"progress,omitempty"`
	Errors      []AttemptError  `json:"errors,omitempty"`
}

// MarshalJSON writes Info in snake_case, times as RFC 3339, without the fields
// that have nothing to say.
func (i Info) MarshalJSON() ([]byte, error) { return json.Marshal(infoJSON(i)) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (i *Info) UnmarshalJSON(data []byte) error {
	var v infoJSON
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	*i = Info(v)
	return nil
}
