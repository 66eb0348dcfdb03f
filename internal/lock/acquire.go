package lock

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// contender is one caller on its way to a lock.
type contender struct {
	*hold
	patient bool // waits for as long as it takes
	started time.Time
	told    bool // that Redis is away
	watch   watch
}

// contend gets the lock, or says why not. Between two looks it waits for the
// bell, and for the moment at which the lease that it watches counts as dead.
func (c *contender) contend(ctx context.Context) error {
	listening, mute := context.WithCancel(ctx)
	defer mute()
	var rung <-chan struct{}
	for {
		seen, err := c.acquire(ctx, c.watch.dead(time.Now()))
		if err == nil {
			return nil
		}
		if errors.Is(err, ErrLocked) {
			c.watch.note(seen, time.Now())
		}
		if c.hopeless(ctx, err, seen) {
			c.abandon(ctx)
			return err
		}
		if rung == nil {
			rung = c.locker.listen(listening, c.keys.bell)
		}
		select {
		case <-ctx.Done():
			c.abandon(ctx)
			return fmt.Errorf("wait for lock %s: %w: %w", c.name, context.Cause(ctx), err)
		case <-rung:
			rung = nil
		case <-time.After(c.watch.next(time.Now(), c.locker.cfg.pause())):
		}
	}
}

// hopeless reports whether to return err rather than to look again.
func (c *contender) hopeless(ctx context.Context, err error, seen sighting) bool {
	switch {
	case ctx.Err() != nil:
		return false // the caller sees to it
	case errors.Is(err, ErrLocked):
		c.told = false
		return !c.patient && seen.fresh()
	case !errors.Is(err, drayhorse.ErrUnavailable):
		return true
	}
	if !c.told {
		c.told = true
		c.locker.cfg.Logger.WarnContext(ctx, "redis unavailable, still waiting for lock", "lock", c.name, "error", err)
	}
	return !c.patient && time.Since(c.started) > unavailable-c.locker.cfg.call()
}

// acquire asks for the lock once. The error is ErrLocked with the lease that was
// seen, or what kept Redis from answering.
func (h *hold) acquire(ctx context.Context, dead mark) (sighting, error) {
	l := h.locker
	h.calls++
	start := time.Now()
	answer, err := h.call(ctx, acquireScript, []string{h.keys.lease},
		h.owner, l.cfg.Identity, h.calls, l.cfg.TTL.Milliseconds(), l.highest.Load(),
		dead.owner, dead.call, keep.Milliseconds())
	if err != nil {
		h.unsure = h.unsure || redis.Ambiguous(err)
		return sighting{}, err
	}
	reply := redis.AsList(answer)
	switch {
	case len(reply) == 2 && redis.AsString(reply[0]) == "GRANTED":
		h.token, h.renewed = redis.AsInt(reply[1]), start
		l.saw(h.token)
		return sighting{}, nil
	case len(reply) == 8 && redis.AsString(reply[0]) == "LOCKED":
		seen := sighting{
			mark:   mark{owner: redis.AsString(reply[2]), call: redis.AsInt(reply[3])},
			ttl:    time.Duration(redis.AsInt(reply[4])) * time.Millisecond,
			age:    time.Duration(redis.AsInt(reply[5])) * time.Millisecond,
			holder: holder(reply[6], reply[1], reply[7]),
		}
		l.saw(seen.holder.Token)
		return seen, fmt.Errorf("lock %s: %w by %s since %s", h.name, ErrLocked,
			seen.holder.Identity, seen.holder.Since.UTC().Format(time.RFC3339))
	}
	return sighting{}, fmt.Errorf("acquire lock %s: unknown answer %v", h.name, answer)
}
