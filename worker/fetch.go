package worker

import (
	"context"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/drayhorse/drayhorse/internal/jobs"
)

// fetcher makes turns: each takes along what has finished and claims for the slots
// that are free. While a turn is on the wire, what finishes forms the next one.
type fetcher struct {
	session  *session
	index    int
	peeked   int       // the last cold line looked at
	peekedAt time.Time // when that was

	wake   chan struct{} // something finished
	onWire atomic.Bool

	// Of the fetcher's goroutine alone.
	unanswered int       // turns that are pursued
	leaveAt    time.Time // no lease is to be left before

	mu    sync.Mutex
	held  map[*line]*holding
	ended []*holding // where something finished that no turn has taken along yet
	late  []answer   // to turns that were pursued
	lost  []*holding // whose handlers have not all returned
}

func newFetcher(s *session, index int) *fetcher {
	return &fetcher{session: s, index: index, wake: make(chan struct{}, 1), held: map[*line]*holding{}}
}

// run makes turns until the session is drained and all is said, or ctx ends.
func (f *fetcher) run(ctx context.Context) {
	for ctx.Err() == nil {
		// Handlers that are about to end do so first: the turn takes them along.
		runtime.Gosched()
		turns := f.plan()
		if len(turns) > 0 {
			f.makeTurns(ctx, turns)
			continue
		}
		if f.session.isDrained() && f.empty() {
			break
		}
		if f.attend(ctx) {
			continue
		}
		f.wait(ctx, f.leaveIdle(ctx, jobs.BeatEvery))
	}
	f.leaveIdle(ctx, 0)
}

// name is that of the fetcher among all of all workers.
func (f *fetcher) name() string { return f.session.id + "." + strconv.Itoa(f.index) }

// rouse has the fetcher look whether there is something to do.
func (f *fetcher) rouse() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// wait sleeps until there is something to do.
func (f *fetcher) wait(ctx context.Context, next time.Time) {
	var retry <-chan time.Time
	if !next.IsZero() {
		timer := time.NewTimer(time.Until(next))
		defer timer.Stop()
		retry = timer.C
	}
	drained := f.session.drained
	if f.session.isDrained() {
		drained = nil // known already
	}
	select {
	case <-ctx.Done():
	case <-f.wake:
	case <-f.work():
	case <-drained:
	case <-retry:
	}
}

// work is where an idle fetcher hears of jobs to claim.
func (f *fetcher) work() <-chan struct{} {
	if f.session.isClosing() || !f.claims() {
		return nil
	}
	return f.session.work
}

// plan gives the turns to make now, each with its holding: one for each lease with
// something to say, and those that claim.
func (f *fetcher) plan() (turns []*holding) {
	ended, late := f.takeEnded()
	for _, a := range late {
		f.unanswered--
		f.settle(a)
	}
	for _, h := range ended {
		if h.pending == nil && h.take() {
			turns = append(turns, h)
		}
	}
	turns = f.claim(turns)
	now := time.Now()
	for _, h := range turns {
		h.asked = now
	}
	return turns
}

// note has the next turn on a holding's lease take along what finished.
func (f *fetcher) note(h *holding) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = append(f.ended, h)
}

// takeEnded gives the holdings where something finished, and late answers.
func (f *fetcher) takeEnded() (ended []*holding, late []answer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	ended, late = f.ended, f.late
	f.ended, f.late = nil, nil
	return ended, late
}

// makeTurns runs the pending turns of holdings in one round trip, and looks at
// lines that seem to have nothing.
func (f *fetcher) makeTurns(ctx context.Context, holdings []*holding) {
	var cold []*line
	if slices.ContainsFunc(holdings, (*holding).claims) {
		cold = f.peek()
	}
	parts := make([]*jobs.Partition, len(cold))
	for i, l := range cold {
		parts[i] = l.part
	}
	begun := time.Now()
	f.onWire.Store(true)
	replies, lengths := f.session.engine.RunTurnsAndLook(ctx, pending(holdings), parts)
	f.onWire.Store(false)
	if replies[0].Err == nil {
		f.session.measure(begun)
	}
	for i, l := range cold {
		switch n := lengths[i]; {
		case n < 0:
			l.away.Store(true)
		case n > 0:
			l.expect(n)
		}
	}
	f.settleAll(ctx, holdings, replies)
}

// pending gives the turns of holdings.
func pending(holdings []*holding) []*jobs.Turn {
	turns := make([]*jobs.Turn, len(holdings))
	for i, h := range holdings {
		turns[i] = h.pending
	}
	return turns
}

const (
	// peekEvery is how long a busy fetcher leaves lines alone that seem to have
	// nothing, though nobody listens to their bells.
	peekEvery = 5 * time.Millisecond
	// maxPeeked is how many of them it looks at then, maxPassed how many lines it
	// passes over in search of them.
	maxPeeked, maxPassed = 8, 64
)

// peek gives lines to look at beside a turn: the next few cold ones, in turn.
func (f *fetcher) peek() []*line {
	lines, now := f.session.lines, time.Now()
	if len(lines) == 1 || now.Sub(f.peekedAt) < peekEvery {
		return nil
	}
	f.peekedAt = now
	var cold []*line
	for range min(len(lines), maxPassed) {
		f.peeked = (f.peeked + 1) % len(lines)
		if l := lines[f.peeked]; !l.isHot() && !l.away.Load() {
			if cold = append(cold, l); len(cold) == maxPeeked {
				break
			}
		}
	}
	return cold
}
