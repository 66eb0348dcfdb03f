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
	// ErrDuplicate: a schedule of that ID was added to this program already. A
	// job that exists is not an error: see Info.Duplicate.
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
	// ErrNotReplicated: the job is stored, by the primary alone as far as is known;
	// see ReplicationError.
	ErrNotReplicated = errors.New("not confirmed by enough replicas")
	// ErrRunning: the job is running, which this operation does not allow.
	ErrRunning = errors.New("job is running")
	// ErrFormat: the data in Redis is of a storage format newer than this
	// program knows.
	ErrFormat = errors.New("storage format is newer than this program")
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
