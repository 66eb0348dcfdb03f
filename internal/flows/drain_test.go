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
	shared  sharedDrain
	written atomic.Int64 // by callers, before they ask
	drains  atomic.Int64
	on      chan error // what the drain that runs comes to
}

func newDrainRig() *drainRig {
	return &drainRig{shared: sharedDrain{turn: make(chan struct{}, 1)}, on: make(chan error)}
}

// ask writes something and wants it drained: it reports whether it was there when a drain began.
func (r *drainRig) ask(ctx context.Context, seen *atomic.Int64) (bool, error) {
	mine := r.written.Add(1)
	err := r.shared.do(ctx, func(ctx context.Context) error {
		r.drains.Add(1)
		there := r.written.Load()
		select {
		case err := <-r.on:
			seen.Store(max(there, seen.Load()))
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	return seen.Load() >= mine, err
}

// TestCallersShareADrain that begins after they have asked, and never one that had begun before.
func TestCallersShareADrain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newDrainRig()
		var seen atomic.Int64
		var all sync.WaitGroup
		ask := func(want error) {
			all.Go(func() {
				if there, err := r.ask(t.Context(), &seen); !there || !errors.Is(err, want) {
					t.Errorf("drained: %v, %v; want it drained, and %v", there, err, want)
				}
			})
		}
		ask(nil)
		synctest.Wait()
		failed := errors.New("away")
		for range 50 {
			ask(failed)
		}
		synctest.Wait()
		r.on <- nil
		synctest.Wait()
		ask(nil)
		synctest.Wait()
		r.on <- failed
		synctest.Wait()
		r.on <- nil
		all.Wait()
		if n := r.drains.Load(); n != 3 {
			t.Errorf("%d drains; want 3", n)
		}
	})
}

// TestAnotherDrainsWhenACallerGoes: what was to be drained is, for all that wait for his drain.
func TestAnotherDrainsWhenACallerGoes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newDrainRig()
		var seen atomic.Int64
		var all sync.WaitGroup
		ask := func(ctx context.Context, want error) {
			all.Go(func() {
				if there, err := r.ask(ctx, &seen); !errors.Is(err, want) || there != (want == nil) {
					t.Errorf("drained: %v, %v; want %v", there, err, want)
				}
			})
			synctest.Wait()
		}
		ask(t.Context(), nil)
		leads, leave := context.WithCancel(t.Context()) // the next drain, since it waits first
		ask(leads, context.Canceled)
		waits, give := context.WithCancel(t.Context())
		ask(waits, context.Canceled)
		give()
		for range 3 {
			ask(t.Context(), nil)
		}
		r.on <- nil
		synctest.Wait()
		leave()
		served := make(chan struct{})
		go func() {
			all.Wait()
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
