package worker

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/drayhorse/drayhorse/internal/jobs"
)

// leaseKey is what a fetcher has a lease on: a source, and the same a second time for a
// turn beside one that is on the wire.
type leaseKey struct {
	source *source
	second bool
}

// freeLease gives the key of the lease on a source for the next turn: the first one that
// no turn is on the wire for. It reports false if there is none, or a turn is to be made
// again.
func (f *fetcher) freeLease(s *source) (leaseKey, bool) {
	for _, second := range []bool{false, true} {
		key := leaseKey{s, second}
		l := f.held[key]
		if l == nil || l.turn.asked.IsZero() {
			return key, true
		}
		if !l.turn.retryAt.IsZero() {
			break
		}
	}
	return leaseKey{}, false
}

// leaseOf gives the lease on a source for the next turn, a new one if there is none yet.
func (f *fetcher) leaseOf(s *source) *lease {
	key, _ := f.freeLease(s)
	if l := f.held[key]; l != nil {
		return l
	}
	l := f.newLease(s)
	l.second = key.second
	f.mu.Lock()
	f.held[key] = l
	f.mu.Unlock()
	return l
}

// newLease makes a lease on a source.
func (f *fetcher) newLease(s *source) *lease {
	name := f.name + "." + strconv.FormatUint(f.epoch.Add(1), 10)
	return &lease{Lease: jobs.NewLease(s.part, name), leaseKey: leaseKey{source: s}, flush: f.reports, store: f.relay.store, teller: f.teller, onEnded: f.onEnded}
}

// leases gives those that are held, and those that were lost but have handlers that go
// on.
func (f *fetcher) leases() []*lease {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lost = slices.DeleteFunc(f.lost, (*lease).isEmpty)
	all := slices.Concat(f.lost, f.stray, f.left)
	if f.trial != nil {
		all = append(all, f.trial)
	}
	for _, l := range f.held {
		all = append(all, l)
	}
	return all
}

// isIdle reports whether the fetcher holds nothing, has nothing to say, and waits for no
// answer. It is for the fetcher's own goroutine.
func (f *fetcher) isIdle() bool { return len(f.unanswered) == 0 && f.holdsNothing() }

// holdsNothing reports whether the fetcher holds nothing and has nothing to say.
func (f *fetcher) holdsNothing() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.trial != nil || slices.ContainsFunc(f.left, func(l *lease) bool { return !l.isEmpty() }) {
		return false
	}
	for _, l := range f.held {
		if !l.isEmpty() {
			return false
		}
	}
	return true
}

// leaveIdle parts with leases that hold nothing and were not renewed for a while, so
// that nobody has to watch over them. It gives the time at which to look again; zero:
// nothing is held.
func (f *fetcher) leaveIdle(ctx context.Context, after time.Duration) time.Time {
	now := time.Now()
	if after == 0 || !now.Before(f.leaveAt) {
		f.leaveAt = now.Add(after)
		f.leave(ctx, f.idleLeases(now, after))
	}
	if len(f.held) == 0 {
		return time.Time{}
	}
	return f.leaveAt
}

// idleLeases gives the leases to part with, and notes in leaveAt when the next ones are.
func (f *fetcher) idleLeases(now time.Time, after time.Duration) (idle []*lease) {
	f.mu.Lock()
	idle, f.left = f.left, nil
	f.mu.Unlock()
	for _, l := range f.held {
		if l.turn.Turn != nil || !l.isEmpty() {
			continue
		}
		switch at := l.lastRenewed().Add(after); {
		case !now.Before(at):
			idle = append(idle, l)
		case at.Before(f.leaveAt):
			f.leaveAt = at
		}
	}
	return idle
}

// leave parts with leases that hold nothing.
func (f *fetcher) leave(ctx context.Context, idle []*lease) {
	var joined []*jobs.Lease
	f.mu.Lock()
	for _, l := range idle {
		if f.held[l.leaseKey] == l {
			delete(f.held, l.leaseKey)
		}
		if l.Joined() && !l.source.isResting(time.Now()) {
			joined = append(joined, l.Lease)
		}
	}
	f.mu.Unlock()
	_ = f.engine.Leave(ctx, joined...) // or observers condemn them, which finds nothing
}
