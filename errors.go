package drayhorse

import (
	"errors"
	"fmt"
)

// Sentinel errors, for errors.Is. What is returned wraps them with the value
// that was wrong or the operation that failed.
var (
	// ErrNotFound: no job, queue or schedule has that name.
	ErrNotFound = errors.New("not found")
	// ErrEnded: the job has ended already; see EndedError. It is ErrNotFound too: there
	// is no live job of that ID.
	ErrEnded = fmt.Errorf("%w: the job has ended", ErrNotFound)
	// ErrDuplicate: a schedule of that ID was added to this program already; or a job
	// that is Unique with Reject, or is to be retried, counts as the same as one that is
	// there; or there is another flow of that ID. Otherwise a job that exists is not an error: see Info.Duplicate.
	ErrDuplicate = errors.New("duplicate")
	// ErrInvalid: an impossible value; the message names it and what would be
	// right.
	ErrInvalid = errors.New("invalid")
	// ErrQueueInvalid: an impossible queue name. It is ErrInvalid too.
	ErrQueueInvalid = fmt.Errorf("%w queue name", ErrInvalid)
	// ErrArgsTooLarge: arguments over the limit. It is ErrInvalid too.
	ErrArgsTooLarge = fmt.Errorf("%w: arguments too large", ErrInvalid)
	// ErrUnavailable: Redis cannot be reached or cannot take writes. What was
	// asked may have happened or not; asking again with the same ID is safe.
	ErrUnavailable = errors.New("redis unavailable")
	// ErrFull: Redis has reached maxmemory, so nothing can be enqueued until
	// workers have drained it. Nothing was stored. It is ErrUnavailable too.
	ErrFull = fmt.Errorf("%w: out of memory", ErrUnavailable)
	// ErrQueueFull: the queue has its maximum depth; nothing was stored. See
	// QueueFullError.
	ErrQueueFull = errors.New("queue is full")
	// ErrNotReplicated: the job is stored, by the primary alone as far as is known;
	// see ReplicationError.
	ErrNotReplicated = errors.New("not confirmed by enough replicas")
	// ErrFlowEnded: the flow has ended, was cancelled or was closed, and takes no more jobs.
	ErrFlowEnded = errors.New("flow takes no more")
	// ErrRefused: Redis refuses the login, or its user lacks a permission. Waiting
	// does not mend it.
	ErrRefused = errors.New("refused by redis")
	// ErrRunning: the job is running, which this operation does not allow.
	ErrRunning = errors.New("job is running")
	// ErrNotEmpty: the queue has live jobs, so that it is not deleted without force.
	ErrNotEmpty = errors.New("queue is not empty")
	// ErrFormat: the data in Redis is of a storage format newer than this
	// program knows.
	ErrFormat = errors.New("storage format is newer than this program")
	// ErrNoResult: the job has completed, and no result of it is there: its handler set
	// none, or it was not kept.
	ErrNoResult = errors.New("no result")
	// ErrBusy: this process does as much of it as it may; the message says how much.
	ErrBusy = errors.New("too much at once")
	// ErrClosed: the producer or worker was closed.
	ErrClosed = errors.New("closed")
)

// Causes of a handler's context, from context.Cause. At a timeout the cause is
// context.DeadlineExceeded.
var (
	// ErrLeaseLost: the worker can no longer be sure that the job is its own.
	// The job runs again elsewhere, or here, without consuming an attempt.
	ErrLeaseLost = errors.New("lease lost")
	// ErrCancelled: somebody cancelled the job.
	ErrCancelled = errors.New("cancelled")
	// ErrStopping: the worker stops and has waited for ShutdownTimeout.
	ErrStopping = errors.New("worker is stopping")
)

// ReplicationError says that jobs were accepted by the primary and not confirmed, in
// time, by as many replicas as Durable asked for. They are stored and will run, unless
// the primary is lost before a replica has them. It is ErrNotReplicated.
type ReplicationError struct {
	Want      int // replicas
	Confirmed int // of them
}

func (e *ReplicationError) Error() string {
	return fmt.Sprintf("accepted by the primary, not confirmed by %d replicas: %d answered in time", e.Want, e.Confirmed)
}

// Is reports whether the error is meant by ErrNotReplicated.
func (e *ReplicationError) Is(target error) bool { return target == ErrNotReplicated }

// EndedError says that a job that was to be cancelled or signalled has ended already, and how. It is
// ErrEnded and ErrNotFound.
type EndedError struct {
	ID    string
	State State // completed, cancelled or discarded
}

func (e *EndedError) Error() string {
	verb := map[State]string{Cancelled: "has been cancelled", Discarded: "has been discarded"}[e.State]
	if verb == "" {
		verb = "has " + string(e.State)
	}
	return fmt.Sprintf("job %s %s already", e.ID, verb)
}

// Unwrap gives ErrEnded.
func (e *EndedError) Unwrap() error { return ErrEnded }

// FailedError says that a job whose result was wanted was discarded or cancelled.
type FailedError struct {
	Info *Info // as it ended, with why
}

func (e *FailedError) Error() string {
	text := fmt.Sprintf("job %s of kind %s was %s", e.Info.ID, e.Info.Kind, e.Info.State)
	if n := len(e.Info.Errors); n > 0 {
		text += fmt.Sprintf(" in attempt %d: %s", e.Info.Errors[n-1].Attempt, e.Info.Errors[n-1].Message)
	}
	return text
}
