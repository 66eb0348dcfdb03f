package lock

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/drayhorse/drayhorse"
)

// keep renews the lock until stop is called, and calls lose when the lock is
// lost. Trust ends RenewDeadline after the start of the last good renewal: a
// timer sees to that, whether Redis answers, hangs or is gone.
func (h *hold) keep(ctx context.Context, lose context.CancelCauseFunc) (stop func()) {
	// The lock is kept for as long as the work runs, so not ctx's end but its
	// loss ends the renewals.
	renewing, end := context.WithCancel(context.WithoutCancel(ctx))
	lost := func() {
		lose(drayhorse.ErrLeaseLost)
		end()
	}
	trust := time.AfterFunc(h.trusted(), lost)
	var loop sync.WaitGroup
	loop.Go(func() {
		told := false // that renewals fail
		for pause(renewing, h.locker.cfg.pause()) {
			err := h.renew(renewing)
			switch {
			case err == nil:
				trust.Reset(h.trusted())
				told = false
			case errors.Is(err, drayhorse.ErrLeaseLost):
				lost()
			case renewing.Err() == nil && !told:
				told = true
				h.locker.cfg.Logger.WarnContext(ctx, "lock not renewed", "lock", h.name, "token", h.token, "error", err)
			}
		}
	})
	return func() {
		end()
		loop.Wait()
		trust.Stop()
	}
}

// trusted is how much longer the holder may trust its lock, on the monotonic
// clock.
func (h *hold) trusted() time.Duration {
	return time.Until(h.renewed.Add(h.locker.cfg.RenewDeadline))
}

// renew marks the lease as alive. The error is drayhorse.ErrLeaseLost if it is
// not the holder's any more.
func (h *hold) renew(ctx context.Context) error {
	h.calls++
	start := time.Now()
	_, err := h.call(ctx, renewScript, []string{h.keys.lease}, h.owner, h.token, h.calls, keep.Milliseconds())
	if err != nil {
		return err
	}
	h.renewed = start
	return nil
}
