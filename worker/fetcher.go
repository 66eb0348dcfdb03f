package worker

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/drayhorse/drayhorse/internal/jobs"
)

// fetcher makes turns on the leases that it holds on one Redis node: each takes along
// what has ended and claims what there is room for. While a turn is on the wire, what
// ends forms the next one, on another lease if that is worth a call of its own.
type fetcher struct {
	*parts
	addr   string // of the node
	name   string // among all fetchers of all workers
	pace   pace
	others func() []*fetcher // the claimers of other nodes
	mate   *fetcher          // the other one of this node; nil: there is none
	claims bool              // it is the one that claims by turns; its mate waits at the bells

	wakeup   chan struct{}
	answers  chan *roundTrip
	onWire   atomic.Int32           // calls that have no answer yet
	worthAt  atomic.Int64           // how many jobs have ended when another call beside them may be worth it
	untold   atomic.Int64           // jobs that have ended and are still this worker's as Redis sees it, but for stalled leases
	assigned atomic.Pointer[source] // that another node's claimer has picked for this one

	waiting     atomic.Bool // at the bells, with turns ready
	interrupted atomic.Bool // that wait was told to end, and has not yet

	// Of the fetcher's goroutine alone.
	unanswered []*lease  // whose turns are to be made again
	peeked     int       // the last quiet source looked at
	peekedAt   time.Time // when that was
	leaveAt    time.Time // no lease is to be left before

	mu    sync.Mutex
	held  map[leaseKey]*lease
	ended []*lease // where something ended that no turn has taken along yet
	lost  []*lease // whose handlers have not all returned
	trial *lease   // of suspects; nil: there is none
	stray []*lease // of trials that were abandoned
	left  []*lease // that hold nothing and are to be parted with
}

func newFetcher(p *parts, addr, name string, claims bool) *fetcher {
	return &fetcher{
		parts: p, addr: addr, name: name, claims: claims, pace: pace{capacity: p.capacity},
		others: func() []*fetcher { return nil },
		wakeup: make(chan struct{}, 1), answers: make(chan *roundTrip, maxOnWire), held: map[leaseKey]*lease{},
	}
}

// run makes turns until the worker is drained and all is said, or ctx ends.
func (f *fetcher) run(ctx context.Context) {
	for ctx.Err() == nil {
		if f.callNext(ctx) {
			continue
		}
		if f.onWire.Load() > 0 {
			f.awaitAnswer()
			continue
		}
		if f.phase.isDrained() && f.isIdle() {
			break
		}
		if f.waitAndClaim(ctx) {
			continue
		}
		f.sleep(ctx, f.leaveIdle(ctx, jobs.BeatEvery))
	}
	for f.onWire.Load() > 0 {
		f.takeIn(<-f.answers)
	}
	f.leaveIdle(ctx, 0)
}

// wake has the fetcher look whether there is something to do.
func (f *fetcher) wake() {
	select {
	case f.wakeup <- struct{}{}:
	default:
	}
}

// sleep waits until there is something to do, or a turn is to be made again, or next.
func (f *fetcher) sleep(ctx context.Context, next time.Time) {
	for _, l := range f.unanswered {
		if next.IsZero() || l.turn.retryAt.Before(next) {
			next = l.turn.retryAt
		}
	}
	var alarm <-chan time.Time
	if !next.IsZero() {
		timer := time.NewTimer(time.Until(next))
		defer timer.Stop()
		alarm = timer.C
	}
	drained := f.phase.drained
	if f.phase.isDrained() {
		drained = nil // known already
	}
	select {
	case <-ctx.Done():
	case <-f.wakeup:
	case <-drained:
	case <-alarm:
	}
}

// plan gives the leases whose turns are to be made now: those with something to say,
// those that claim, and those whose turns had no answer and have waited long enough.
func (f *fetcher) plan(now time.Time) (leases []*lease) {
	leases = f.takeEnded(f.takeDue(now))
	leases = f.claim(leases, now)
	for _, l := range leases {
		if l.turn.asked.IsZero() {
			l.turn.asked = now
		}
	}
	return leases
}

// takeDue gives the leases whose turns had no answer and have waited long enough.
func (f *fetcher) takeDue(now time.Time) (leases []*lease) {
	f.unanswered = slices.DeleteFunc(f.unanswered, func(l *lease) bool {
		due := l.turn.isDue(now)
		if due {
			leases = append(leases, l)
		}
		return due
	})
	return leases
}

// takeEnded adds leases under which something ended, as many as have room together in a
// call. The others stay for the next one.
func (f *fetcher) takeEnded(leases []*lease) []*lease {
	f.mu.Lock()
	ended := f.ended
	f.ended = nil
	f.mu.Unlock()
	budget := maxFinishBytes
	for i, l := range ended {
		if l.turn.Turn != nil {
			continue // what ended is noted again when the turn has its answer
		}
		if budget <= 0 {
			f.note(ended[i:]...)
			break
		}
		if bytes, ok := l.takeFinishes(budget); ok {
			leases = append(leases, l)
			budget -= bytes
		}
	}
	return leases
}

// note has the next turns on leases take along what ended under them.
func (f *fetcher) note(leases ...*lease) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = append(f.ended, leases...)
}

const (
	// peekEvery is how long a busy fetcher leaves sources alone that seem to have
	// nothing, though nobody waits at their bells.
	peekEvery = 5 * time.Millisecond
	// maxPeeked is how many of them it looks at then, maxPassed how many sources it
	// passes over in search of them.
	maxPeeked, maxPassed = 8, 64
)

// peek gives sources to look at beside a turn: the next few quiet ones of the node.
func (f *fetcher) peek() []*source {
	sources, now := f.supply.all(), time.Now()
	if len(sources) == 1 || now.Sub(f.peekedAt) < peekEvery {
		return nil
	}
	f.peekedAt = now
	var quiet []*source
	for range min(len(sources), maxPassed) {
		f.peeked = (f.peeked + 1) % len(sources)
		if s := sources[f.peeked]; s.isOn(f.addr) && !s.isClaimable() && !s.isResting(now) {
			if quiet = append(quiet, s); len(quiet) == maxPeeked {
				break
			}
		}
	}
	return quiet
}
