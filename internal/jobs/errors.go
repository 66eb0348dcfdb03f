package jobs

import (
	"errors"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// errStale: a call from before the one that was answered last. Only a late copy of
// a call gets it.
var errStale = errors.New("stale call")

// errAlive: the lease of which it is said that it was condemned was not.
var errAlive = errors.New("lease not condemned")

// errChanged: the job is not as it was read.
var errChanged = errors.New("changed meanwhile")

// words are the failures that scripts report, by their first word.
var words = redis.Words{
	"LEASELOST": drayhorse.ErrLeaseLost,
	"STALE":     errStale,
	"ALIVE":     errAlive,
	"NOTFOUND":  drayhorse.ErrNotFound,
	"RUNNING":   drayhorse.ErrRunning,
	"FORMAT":    drayhorse.ErrFormat,
	"CHANGED":   errChanged,
	"NOTEMPTY":  drayhorse.ErrNotEmpty,
	"CONFLICT":  drayhorse.ErrDuplicate,
	"LIMITS":    drayhorse.ErrInvalid,
	"SIGNALLED": drayhorse.ErrSignalled,
	"LATE":      drayhorse.ErrSignalLate,
	"PAUSES":    drayhorse.ErrInvalid,
}

// failure names the operation that failed and gives its error the sentinel that
// its first word stands for.
func failure(op string, err error) error {
	return words.Failure(op, err)
}
