package worker

import (
	"context"
	"maps"
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
	session *session
	index   int
	peeked  int // the last cold line looked at

	wake   chan struct{} // something finished
	onWire atomic.Bool

	mu   sync.Mutex
	held map[*line]*holding
	lost []*holding // whose handlers have not all returned
}

func newFetcher(s *session, index int) *fetcher {
	return &fetcher{session: s, index: index, wake: make(chan struct{}, 1), held: map[*line]*holding{}}
}

// run makes turns until the session is drained and all is said, or ctx ends.
func (f *fetcher) run(ctx context.Context) {
	for ctx.Err() == nil {
		// Handlers that are about to end do so first: the turn takes them along.
		runtime.Gosched()
		turns, next := f.plan()
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
		f.wait(ctx, f.leaveIdle(ctx, jobs.BeatEvery, next))
	}
	f.leaveIdle(ctx, 0, time.Time{})
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

// claims reports whether this fetcher claims jobs. Where Redis is near, one does for
// all: its turns are fewer and larger than those of several would be. Where it is
// far, they claim beside each other, since one turn on the wire would leave handlers
// idle.
func (f *fetcher) claims() bool { return f.index == 0 || f.session.far.Load() }

// plan gives the turns to make now, each with its holding: those without an answer
// first, then one for each lease with something to say, and one that claims. next
// is when a turn that failed may be tried again; zero: there is none.
func (f *fetcher) plan() (turns []*holding, next time.Time) {
	now := time.Now()
	for _, h := range f.holdings() {
		switch {
		case h.pending == nil:
			if h.take() {
				turns = append(turns, h)
			}
		case now.Before(h.notBefore):
			if next.IsZero() || h.notBefore.Before(next) {
				next = h.notBefore
			}
		default:
			turns = append(turns, h)
		}
	}
	if h := f.claimer(); h != nil && !slices.Contains(turns, h) {
		turns = append(turns, h)
	}
	for _, h := range turns {
		if h.asked.IsZero() {
			h.asked = now
		}
	}
	return turns, next
}

// claimer reserves free slots for a line that has jobs and has its holding ask for
// them. nil: there is nothing to claim, or no slot.
func (f *fetcher) claimer() *holding {
	s := f.session
	if s.isClosing() || !f.claims() {
		return nil
	}
	if !s.slots.any() {
		if slices.ContainsFunc(s.lines, (*line).isHot) {
			s.nudge()
		}
		return nil
	}
	l := s.choose(f.unanswered)
	if l == nil {
		return nil
	}
	h := f.held[l]
	if h == nil {
		h = f.hold(l)
	}
	n := s.slots.take(jobs.MaxClaims)
	if n == 0 {
		return nil
	}
	if h.pending == nil {
		h.pending = &jobs.Turn{Lease: h.Lease}
	}
	h.reserved, h.pending.Want, h.pending.Lanes = n, n, l.waitingLanes()
	h.suspect = s.suspect.CompareAndSwap(false, true)
	h.pending.Suspect = h.suspect
	return h
}

// unanswered reports whether a turn on a line waits to be made again: it stays as it
// is, and claims come from elsewhere.
func (f *fetcher) unanswered(l *line) bool {
	h := f.held[l]
	return h != nil && !h.asked.IsZero()
}

// makeTurns runs the pending turns of holdings in one round trip, and looks at
// lines that seem to have nothing.
func (f *fetcher) makeTurns(ctx context.Context, holdings []*holding) {
	turns := make([]*jobs.Turn, len(holdings))
	var claiming *line
	for i, h := range holdings {
		turns[i] = h.pending
		if h.reserved > 0 {
			claiming = h.line
		}
	}
	var cold []*line
	if claiming != nil && len(f.session.lines) > 1 {
		cold = f.session.cold(claiming, &f.peeked)
	}
	parts := make([]*jobs.Partition, len(cold))
	for i, l := range cold {
		parts[i] = l.part
	}
	begun := time.Now()
	f.onWire.Store(true)
	replies, lengths := f.session.engine.RunTurnsAndLook(ctx, turns, parts)
	f.onWire.Store(false)
	if replies[0].Err == nil {
		f.session.measure(begun)
	}
	for i, l := range cold {
		if lengths[i] > 0 {
			l.heat()
		}
	}
	for i, h := range holdings {
		f.settle(h, replies[i])
	}
}

// leaveIdle parts with leases that hold nothing and were not renewed for a while, so
// that nobody has to watch over them. It gives the time at which to look again: next,
// or earlier.
func (f *fetcher) leaveIdle(ctx context.Context, after time.Duration, next time.Time) time.Time {
	for _, h := range f.holdings() {
		if h.pending != nil || !h.Joined() || !h.empty() {
			continue
		}
		at := h.lastRenewed().Add(after)
		if time.Now().Before(at) {
			if next.IsZero() || at.Before(next) {
				next = at
			}
			continue
		}
		f.mu.Lock()
		delete(f.held, h.line)
		f.mu.Unlock()
		_ = h.Leave(ctx) // or observers condemn it, which finds nothing
	}
	return next
}

func (f *fetcher) holdings() []*holding {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Collect(maps.Values(f.held))
}

// all gives the leases that are held, and those that were lost but have handlers
// that go on.
func (f *fetcher) all() []*holding {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lost = slices.DeleteFunc(f.lost, (*holding).empty)
	return slices.AppendSeq(slices.Clone(f.lost), maps.Values(f.held))
}

// empty reports whether there is nothing to say. It is for the fetcher's own
// goroutine.
func (f *fetcher) empty() bool {
	return f.idle() && !slices.ContainsFunc(f.holdings(), func(h *holding) bool { return h.pending != nil })
}

// idle reports whether nothing is held and nothing is to be said of it.
func (f *fetcher) idle() bool {
	return !slices.ContainsFunc(f.holdings(), func(h *holding) bool { return !h.empty() })
}
