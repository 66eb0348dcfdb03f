package lock

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// hold is one owner's hold of one lock, from its first call to its last. One
// goroutine at a time makes its calls.
type hold struct {
	locker  *Locker
	name    string
	keys    keys
	owner   string
	calls   int64     // numbers the calls, so that no two leave the same mark
	token   int64     // 0 until granted
	renewed time.Time // start of the last call that left its mark
	unsure  bool      // a call failed that may have been executed
}

func (l *Locker) newHold(name string) *hold {
	return &hold{locker: l, name: name, keys: l.keys(name), owner: rand.Text()}
}

// during runs fn while the lock is held, and gives the lock back, also when fn
// panics.
func (h *hold) during(ctx context.Context, fn func(context.Context, int64) error) (err error) {
	held, lose := context.WithCancelCause(ctx)
	defer lose(nil)
	stop := h.keep(held, lose)
	defer func() {
		lost := errors.Is(context.Cause(held), drayhorse.ErrLeaseLost)
		stop()
		lost = errors.Is(h.release(ctx), drayhorse.ErrLeaseLost) || lost
		if lost && !errors.Is(err, drayhorse.ErrLeaseLost) {
			err = errors.Join(fmt.Errorf("lock %s: %w", h.name, drayhorse.ErrLeaseLost), err)
		}
	}()
	return fn(held, h.token)
}

// call runs a script, and gives up on a connection that hangs while there is
// time for another try.
func (h *hold) call(ctx context.Context, script *redis.Script, keys []string, args ...any) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, h.locker.cfg.call())
	defer cancel()
	answer, err := h.locker.run(ctx, redis.Call{Script: script, Keys: keys, Args: args})
	return answer, words.Failure(script.Name+" lock "+h.name, err)
}
