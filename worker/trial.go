package worker

import (
	"slices"
	"time"

	"github.com/drayhorse/drayhorse/internal/jobs"
)

// A trial is a lease of its own for suspects alone, jobs with which workers have died.
// What it holds when its worker dies is what is suspected next; whose handler returns is
// cleared. A worker has one at a time, for which its fetcher has the permit.

// mayTry reports whether there are suspects for a trial and the permit is free.
func (f *fetcher) mayTry(now time.Time) bool {
	return f.permit.isFree() && f.supply.withSuspects(f.addr, now) != nil
}

// beginTrial gives a lease whose turn claims suspects, or nil. They are not claimed ahead
// of free slots: they would be held for longer than they run.
func (f *fetcher) beginTrial(now time.Time) *lease {
	s := f.supply.withSuspects(f.addr, now)
	if s == nil || !f.permit.tryTake() {
		return nil
	}
	n := f.capacity.take(jobs.MaxClaims, 0)
	if n == 0 {
		f.permit.release()
		return nil
	}
	l := f.newLease(s)
	l.turn = turn{Turn: &jobs.Turn{Lease: l.Lease, Want: n, Trial: true}, reserved: n}
	f.mu.Lock()
	f.trial = l
	f.mu.Unlock()
	return l
}

// endTrial gives the permit back when nothing of the trial is left: Redis knows what
// became of all its jobs or, if its lease is lost, their handlers have returned. Were the
// worker to die in the next trial, only that would be held.
func (f *fetcher) endTrial(l *lease) {
	f.mu.Lock()
	over := f.trial == l && l.turn.Turn == nil && l.isEmpty()
	if over {
		f.trial = nil
		f.left = append(f.left, l)
	}
	f.mu.Unlock()
	if over {
		f.permit.release()
		f.wake() // there may be others
	}
}

// abandonTrial gives the permit back though the trial's turn has no answer, since its
// partition is broken and there may never be one: others have suspects as well. Should
// the turn have claimed after all, its jobs go back.
func (f *fetcher) abandonTrial(l *lease) {
	f.mu.Lock()
	abandoned := f.trial == l
	if abandoned {
		f.trial = nil
		f.stray = append(f.stray, l)
	}
	f.mu.Unlock()
	if abandoned {
		f.permit.release()
	}
}

// isStray reports whether a lease is that of a trial that was abandoned, and forgets it.
func (f *fetcher) isStray(l *lease) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.Index(f.stray, l)
	if i < 0 {
		return false
	}
	f.stray = slices.Delete(f.stray, i, i+1)
	f.left = append(f.left, l)
	return true
}
