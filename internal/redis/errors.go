package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
)

// waiting are the words by which a server says that it cannot serve now and may
// soon: it starts, fails over, moves slots, is busy, or its disk is full. The
// command was not executed.
var waiting = []string{
	"LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "MOVED", "ASK",
	"BUSY", "NOREPLICAS", "MISCONF", "UNBLOCKED", "ERR max number of clients reached",
}

// Answered reports whether err is the server's own word. Its command was then
// not executed, or failed where the script says so; a nil err counts as answered.
func Answered(err error) bool {
	var reply goredis.Error
	return err == nil || errors.As(err, &reply)
}

// Ambiguous reports whether the command may have been executed although it
// failed: its reply was lost, or it never arrived. Only the same call, made
// again, tells.
func Ambiguous(err error) bool {
	return !Answered(err) && !isDial(err) &&
		!errors.Is(err, goredis.ErrPoolTimeout) && !errors.Is(err, goredis.ErrClosed)
}

// Temporary reports whether waiting may mend err: Redis is away, starts, fails
// over, or is full.
func Temporary(err error) bool {
	if err == nil || errors.Is(err, goredis.ErrClosed) {
		return false
	}
	if !Answered(err) {
		return !errors.Is(err, context.Canceled)
	}
	return IsFull(err) || hasWord(err, waiting)
}

// IsFull reports whether Redis refused a write because it reached maxmemory.
func IsFull(err error) bool { return hasWord(err, []string{"OOM"}) }

// hasWord reports whether the server's word starts with one of words, also where
// go-redis put words of its own before it.
func hasWord(err error, words []string) bool {
	var reply goredis.Error
	if !errors.As(err, &reply) {
		return false
	}
	for _, w := range words {
		if strings.HasPrefix(reply.Error(), w) {
			return true
		}
	}
	return false
}

// Wrap names the operation that failed and makes err drayhorse.ErrUnavailable,
// ErrFull or ErrRefused where it is one.
func Wrap(op string, err error) error {
	switch {
	case err == nil:
		return nil
	case IsFull(err):
		return fmt.Errorf("%s: %w: %w", op, drayhorse.ErrFull, err)
	case hasWord(err, refusals):
		return fmt.Errorf("%s: %w: %w", op, drayhorse.ErrRefused, err)
	case Temporary(err), errors.Is(err, context.Canceled):
		return fmt.Errorf("%s: %w: %w", op, drayhorse.ErrUnavailable, err)
	default:
		return fmt.Errorf("%s: %w", op, err)
	}
}
