package flow

import (
	"context"
	"fmt"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/members"
)

// Limits of batches.
const (
	// MaxIDLength is how many bytes the ID of a flow may have.
	MaxIDLength = 120
	// MaxSources is in how many partitions of queues a batch may have members; each batch or flow that is a member
	// counts as one.
	MaxSources = 4096
	// MaxAdd is how many members one AddToBatch may add, and MaxAddBytes how many bytes they may
	// have.
	MaxAdd      = 1000
	MaxAddBytes = 4 << 20
	// OpenFor is for how long a batch stays open whose creator has gone: then it is closed, and
	// counts as failed.
	OpenFor = 24 * time.Hour
	// DefaultRetain and DefaultRetainFailed are for how long a flow is kept that has ended, one
	// that has completed and one that has not.
	DefaultRetain       = 24 * time.Hour
	DefaultRetainFailed = 30 * 24 * time.Hour
	// maxDuration is the longest time that is kept of anything.
	maxDuration = 100 * 365 * 24 * time.Hour
)

// Batch says what a batch of jobs is: any number of them, in any queues, that are counted
// together. Each callback is a job that is enqueued once, made by [Call]; nil: none.
type Batch struct {
	// ID makes NewBatch idempotent: as long as the batch is known, the same one comes back. Empty: one is made.
	ID string
	// OnComplete runs when all members have ended, however they have.
	OnComplete *drayhorse.Spec
	// OnSuccess runs when all members have completed; where an operator has retried those that
	// had not, after OnComplete.
	OnSuccess *drayhorse.Spec
	// OnFailure runs at the first member that does not complete: it was discarded or cancelled,
	// expired or was deleted; or when the batch itself is cancelled, is over its deadline or was abandoned.
	OnFailure *drayhorse.Spec
	// Deadline is how long after NewBatch all members are cancelled that have not ended. 0: never.
	Deadline time.Duration
	// Retain is for how long it is known how the batch has ended. 0: DefaultRetain, and
	// DefaultRetainFailed where a member has not completed.
	Retain time.Duration
}

// Call gives a callback: arguments and options as for an enqueue. Unique, ReplaceEnded, Durable
// and Fresh are not possible.
func Call(args drayhorse.Args, options ...drayhorse.Option) *drayhorse.Spec {
	return &drayhorse.Spec{Args: args, Options: options}
}

// Validate reports the first impossible value, as drayhorse.ErrInvalid.
func (b *Batch) Validate() error {
	if b.ID != "" {
		if err := ValidateID(b.ID); err != nil {
			return err
		}
	}
	switch {
	case b.Deadline < 0 || b.Deadline > maxDuration:
		return fmt.Errorf("%w: Deadline %v of a batch; want 0 to 100 years", drayhorse.ErrInvalid, b.Deadline)
	case b.Retain < 0 || b.Retain > maxDuration:
		return fmt.Errorf("%w: Retain %v of a batch; want 0 to 100 years", drayhorse.ErrInvalid, b.Retain)
	}
	return nil
}

// ValidateID reports why id cannot be the ID of a flow, as drayhorse.ErrInvalid.
func ValidateID(id string) error {
	if err := drayhorse.ValidateID(id); err != nil {
		return err
	}
	if len(id) > MaxIDLength {
		return fmt.Errorf("%w: id %q of a flow has %d bytes; at most %d are possible", drayhorse.ErrInvalid, id, len(id), MaxIDLength)
	}
	return nil
}

// State is where a flow is in its life.
type State string

// The states.
const (
	Draft     State = "draft"     // its steps are being stored; nothing runs before all are
	Open      State = "open"      // it takes more members
	Running   State = "running"   // it takes no more members, and not all, or not all steps, have ended
	Completed State = "completed" // all members have completed
	Failed    State = "failed"    // all have ended, and some have not completed; or it was abandoned
	Cancelled State = "cancelled" // it was cancelled, or over its deadline, and all have ended
)

// Info is what is known of a flow at one moment.
type Info struct {
	ID        string `json:"id"`
	State     State  `json:"state"`
	Duplicate bool   `json:"duplicate,omitempty"` // from NewBatch and Submit: it was there
	Total     int    `json:"total"`               // steps; or members, as far as their partitions have told
	Waiting   int    `json:"waiting"`             // members that have not ended; steps that have not begun
	Running   int    `json:"running,omitempty"`   // steps that have begun and not ended
	Completed int    `json:"completed"`
	Discarded int    `json:"discarded"`
	Cancelled int    `json:"cancelled"` // also those that were deleted or lost
	// Reason is why it was cancelled, or that it was abandoned; empty: neither.
	Reason string `json:"reason,omitempty"`
	// Called are the callbacks that were enqueued: complete, success, failure.
	Called     []string  `json:"called,omitempty"`
	Partitions int       `json:"partitions"`        // of queues, that may have members; and batches and flows that are some
	Pending    int       `json:"pending,omitempty"` // messages that are on their way to them
	CreatedAt  time.Time `json:"created_at"`
	ClosedAt   time.Time `json:"closed_at,omitzero"`
	EndedAt    time.Time `json:"ended_at,omitzero"`
	Deadline   time.Time `json:"deadline,omitzero"`
	OpenUntil  time.Time `json:"open_until,omitzero"` // of an open one: when it counts as abandoned; of a draft: when it is dropped
	// HasSteps: it is a flow of steps, not a batch. Steps are those, in an order in which each comes behind what it comes
	// after; lists of flows have none.
	HasSteps bool        `json:"has_steps,omitempty"`
	Steps    []*StepInfo `json:"steps,omitempty"`
}

// AddToBatch adds jobs to the batch of which the job that ctx is of is a member: at most MaxAdd,
// all or none. The batch does not end before they have. A job whose ID is known already is no member, and no error.
//
// They are on their way when it returns: a worker enqueues them at once, or the next one that
// looks. The handler's next attempt adds them again: give them IDs to have each once.
//
// The errors are drayhorse.ErrFlowEnded if the batch has ended or was cancelled, which happens
// to a job that was retried after its end; ErrInvalid, also if the job is no member of a batch;
// ErrFull; and ErrUnavailable, after which they may have been added or not.
func AddToBatch(ctx context.Context, specs ...drayhorse.Spec) error {
	run, err := members.Of(ctx)
	if err != nil {
		return err
	}
	if run.IsStep() {
		return fmt.Errorf("%w: AddToBatch in a step of a flow; want it in a member of a batch", drayhorse.ErrInvalid)
	}
	if len(specs) > MaxAdd {
		return fmt.Errorf("%w: %d jobs to be added to a batch; at most %d at once", drayhorse.ErrInvalid, len(specs), MaxAdd)
	}
	return run.Add(ctx, specs)
}
