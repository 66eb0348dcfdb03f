package lock

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
)

const (
	// bellStays is how long a bell that nobody hears stays in Redis.
	bellStays = 10 * time.Second
	// releases is how often a release is tried. If all fail, the lock is free
	// after its TTL.
	releases = 3
)

// release gives the lock back, also after ctx has ended. The error is
// drayhorse.ErrLeaseLost if it was not the holder's any more.
func (h *hold) release(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	var err error
	repeated := false
	for range releases {
		err = h.releaseOnce(ctx)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, drayhorse.ErrLeaseLost):
			if repeated {
				return nil // the first one may have been executed
			}
			return err
		}
		repeated = repeated || redis.Ambiguous(err)
		if !errors.Is(err, drayhorse.ErrUnavailable) || !pause(ctx, h.locker.cfg.pause()) {
			break
		}
	}
	h.locker.cfg.Logger.WarnContext(ctx, "lock not released", "lock", h.name, "token", h.token, "error", err)
	return err
}

func (h *hold) releaseOnce(ctx context.Context) error {
	token := ""
	if h.token != 0 {
		token = strconv.FormatInt(h.token, 10)
	}
	_, err := h.call(ctx, releaseScript, []string{h.keys.lease, h.keys.bell},
		h.owner, token, keep.Milliseconds(), bellStays.Milliseconds())
	return err
}

// abandon releases a lock that this owner may have been granted without knowing.
func (h *hold) abandon(ctx context.Context) {
	if h.unsure {
		_ = h.release(ctx) // that it is not ours is no news
	}
}
