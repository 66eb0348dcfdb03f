package redis

import (
	"context"
	"errors"
	"net"

	goredis "github.com/redis/go-redis/v9"
)

// The classes of errors, for metrics.
const (
	Unreachable = "unreachable" // no connection could be made
	Starved     = "starved"     // no connection of the pool was free in time
	TimedOut    = "timed_out"   // no answer came in time
	Lost        = "lost"        // the connection broke before the answer
	Full        = "full"        // maxmemory is reached
	NotReady    = "not_ready"   // it starts, fails over, moves slots, is busy, or its disk is full
	Refused     = "refused"     // the login or a permission
	Failed      = "failed"      // any other word of the server's own
)

// Classes gives all of them.
func Classes() []string {
	return []string{Unreachable, Starved, TimedOut, Lost, Full, NotReady, Refused, Failed}
}

// own are the words of servers that stand for no failure of another class. Words of
// scripts, which are answers like others, are not among them.
var own = []string{"ERR", "WRONGTYPE", "CROSSSLOT", "EXECABORT"}

// Class says what kind of failure of Redis err is; "" if it is none: nil, a key that
// is not there, a script's own answer, or an end that the caller wanted.
func Class(err error) string {
	var network net.Error
	switch {
	case err == nil, errors.Is(err, goredis.Nil), errors.Is(err, goredis.ErrClosed), errors.Is(err, context.Canceled):
		return ""
	case hasWord(err, refusals):
		return Refused
	case IsFull(err):
		return Full
	case hasWord(err, waiting):
		return NotReady
	case hasWord(err, own):
		return Failed
	case errors.Is(err, goredis.ErrPoolTimeout):
		return Starved
	case isDial(err):
		return Unreachable
	case Answered(err):
		return ""
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return TimedOut
	}
	return Lost
}
