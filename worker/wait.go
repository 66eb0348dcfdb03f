package worker

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
)

const (
	// waitFor is how long one wait at the bells lasts.
	waitFor = 2 * time.Second
	// waitAfterClaim is how long after its last claim a worker goes on waiting at the
	// bells with a turn ready. A longer idleness is left to the listeners, which cost
	// Redis less.
	waitAfterClaim = 4 * time.Second
	// maxWaited is how many sources can be waited for so: each wait ends with a turn
	// on all of them.
	maxWaited = 8
	// bellRetry is how long the bells are left alone that could not be heard.
	bellRetry = 5 * time.Second
)

// waitAndClaim has the fetcher wait at the bells itself and claim in the same round
// trip: a worker that is woken first and asks then takes twice as long to start a job.
// While it waits its mate claims nothing. It reports false if it did not wait.
func (f *fetcher) waitAndClaim(ctx context.Context) bool {
	waited := false
	for f.mayWait() && ctx.Err() == nil {
		f.waiting.Store(true)
		if !f.mayWait() { // its mate may not have seen that it waits
			break
		}
		waited = true
		if err := f.bells.takeOver(f.base); err != nil {
			f.log.DebugContext(f.base, "taking over the bells failed", slog.String(logs.Error, err.Error())) // the listeners hear them
		}
		leases := f.askAll()
		replies, err := f.engine.WaitAndTurn(context.WithoutCancel(ctx), f.name, waitFor, turnsOf(leases)...)
		f.interrupted.Store(false)
		f.settleAll(leases, replies)
		runtime.Gosched() // handlers begin before anything else is done
		if err != nil && !errors.Is(err, drayhorse.ErrUnavailable) {
			f.log.ErrorContext(f.base, "bells cannot be heard", slog.String(logs.Error, err.Error()))
			f.bells.giveUpFor(bellRetry)
		}
	}
	if f.waiting.Swap(false) {
		f.mate.wake()
		f.bells.resumeAll()
	}
	return waited
}

// mayWait reports whether the fetcher has nothing else to do, and there is nothing to
// claim and room for it.
func (f *fetcher) mayWait() bool {
	return !f.claims && !f.phase.isClosing() && f.bells.areWaitedFor() && f.capacity.freeSlots() > 0 &&
		!f.supply.any() && !f.mayTry(time.Now()) && f.isIdle()
}

// couldWait reports whether the fetcher waits at the bells, or is about to.
func (f *fetcher) couldWait() bool { return f.bells.areWaitedFor() && f.holdsNothing() }

// askAll has a turn on each source ask for its share of the free slots. Where there are
// fewer slots than sources, other ones have them every time.
func (f *fetcher) askAll() []*lease {
	var leases []*lease
	now, sources := time.Now(), f.supply.all()
	free := f.capacity.freeSlots()
	for i := range sources {
		s := sources[(i+f.peeked)%len(sources)]
		left := len(sources) - i
		n := min((free+left-1)/left, jobs.MaxClaims)
		if n == 0 {
			break
		}
		free -= n
		l := f.leaseOf(s)
		_, lanes := s.claimable()
		l.turn = turn{Turn: &jobs.Turn{Lease: l.Lease, Want: n, Lanes: lanes}, asked: now}
		leases = append(leases, l)
	}
	f.peeked++
	return leases
}

// isWaiting reports whether the fetcher waits at the bells.
func (f *fetcher) isWaiting() bool { return f.waiting.Load() }

// interruptWait ends the fetcher's wait at the bells, if it does wait: there is
// something to claim, or nothing more is to be claimed.
func (f *fetcher) interruptWait() {
	if !f.waiting.Load() || !f.interrupted.CompareAndSwap(false, true) {
		return
	}
	if err := f.engine.Nudge(f.base, f.name); err != nil {
		f.log.DebugContext(f.base, "interrupting a wait failed", slog.String(logs.Error, err.Error())) // it ends by itself
	}
}
