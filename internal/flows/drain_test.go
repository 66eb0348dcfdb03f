package flows

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// drainRig counts drains, each of which goes on when it is told to.
type drainRig struct {
	*testing.T

	shared  sharedDrain
	written atomic.Int64 // by callers, before they ask
	seen    atomic.Int64 // of that, by drains that came to their end
	drains  atomic.Int64
	on      chan error // what the drain that runs comes to
	all     sync.WaitGroup
}

func newDrainRig(t *testing.T) *drainRig {
	t.Helper()
	return &drainRig{T: t, shared: sharedDrain{turn: make(chan struct{}, 1)}, on: make(chan error)}
}

func (r *drainRig) drain(ctx context.Context) error {
	r.drains.Add(1)
	there := r.written.Load()
	select {
	case err := <-r.on:
		r.seen.Store(max(there, r.seen.Load()))
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ask has a caller write something and want it drained, and waits until he waits. He wants that error, and
// what he wrote to have been there when a drain began, unless he goes before.
func (r *drainRig) ask(ctx context.Context, want error) {
	r.Helper()
	r.all.Go(func() {
		mine := r.written.Add(1)
		err := r.shared.do(ctx, r.drain)
		if there := r.seen.Load() >= mine; !errors.Is(err, want) || there != !errors.Is(want, context.Canceled) {
			r.Errorf("drained: %v, %v; want %v", there, err, want)
		}
	})
	synctest.Wait()
}

// TestCallersShareADrain that begins after they have asked, and never one that had begun before.
func TestCallersShareADrain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newDrainRig(t)
		r.ask(t.Context(), nil)
		failed := errors.New("away")
		for range 50 {
			r.ask(t.Context(), failed)
		}
		r.on <- nil
		synctest.Wait()
		r.ask(t.Context(), nil)
		r.on <- failed
		synctest.Wait()
		r.on <- nil
		r.all.Wait()
		if n := r.drains.Load(); n != 3 {
			t.Errorf("%d drains; want 3", n)
		}
	})
}

// TestAnotherDrainsWhenACallerGoes: what was to be drained is, for all that wait for his drain.
func TestAnotherDrainsWhenACallerGoes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newDrainRig(t)
		r.ask(t.Context(), nil)
		leads, leave := context.WithCancel(t.Context()) // the next drain, since it waits first
		r.ask(leads, context.Canceled)
		waits, give := context.WithCancel(t.Context())
		r.ask(waits, context.Canceled)
		give()
		for range 3 {
			r.ask(t.Context(), nil)
		}
		r.on <- nil
		synctest.Wait()
		leave()
		served := make(chan struct{})
		go func() {
			r.all.Wait()
			close(served)
		}()
		for { // those who find another to wait for late are served by one more
			select {
			case r.on <- nil:
			case <-served:
				return
			}
		}
	})
}

// TestDrainsDoNotWaitForEachOther, where each wants what the other drains.
func TestDrainsDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, b := sharedDrain{turn: make(chan struct{}, 1)}, sharedDrain{turn: make(chan struct{}, 1)}
		both := make(chan struct{})
		var inside atomic.Int64
		nested := func(of *sharedDrain) func(ctx context.Context) error {
			return func(ctx context.Context) error {
				if inside.Add(1) == 2 {
					close(both)
				}
				<-both
				return of.do(ctx, func(context.Context) error { return nil })
			}
		}
		var all sync.WaitGroup
		all.Go(func() { _ = a.do(t.Context(), nested(&b)) })
		all.Go(func() { _ = b.do(t.Context(), nested(&a)) })
		all.Wait()
	})
}
