package worker

import (
	"context"
	"math"
	"runtime"
	"slices"
	"time"

	"github.com/drayhorse/drayhorse/internal/jobs"
)

const (
	// maxOnWire is how many calls of a fetcher are on the wire together: Redis has the
	// next one at hand when it has done with one, while the worker takes in what that
	// came to.
	maxOnWire = 2
	// worthATurn is how many jobs, to be finished or to be claimed, are worth a turn that
	// does not wait for more: those that are in line run while it is on its way.
	worthATurn = 64
)

// roundTrip is a call that is on the wire: turns on leases and, beside them, looks at sources that seem to
// have nothing.
type roundTrip struct {
	leases  []*lease
	quiet   []*source
	began   time.Time
	replies []jobs.TurnReply
	lengths []int // of the quiet sources
}

// callNext begins a call if there is anything to say or to claim and, while another is on
// the wire, that is worth it. It reports whether it did.
func (f *fetcher) callNext(ctx context.Context) bool {
	switch onWire := f.onWire.Load(); {
	case onWire == maxOnWire || onWire > 0 && !f.isWorthACall(time.Now()):
		return false
	case onWire == 0 && f.pace.endedSince() < worthATurn:
		// Handlers that are about to end do so first: the turn takes them along.
		runtime.Gosched()
	}
	leases := f.plan(time.Now())
	if len(leases) == 0 {
		return false
	}
	f.begin(ctx, leases)
	return true
}

// isWorthACall reports whether another call beside one that is on the wire would not be
// small.
func (f *fetcher) isWorthACall(now time.Time) bool {
	if f.sayable() >= worthATurn {
		return true
	}
	return f.claims && f.supply.any() && f.capacity.room(f.pace.ahead(now)-f.untoldBeside(nil)) >= worthATurn
}

// sayable is how many jobs have ended under leases that no turn is on the wire for.
func (f *fetcher) sayable() (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, l := range f.ended {
		if l.turn.Turn == nil {
			n += l.unsaidCount()
		}
	}
	return n
}

// begin sends the turns of leases in one call, with a look at sources that seem to have
// nothing.
func (f *fetcher) begin(ctx context.Context, leases []*lease) {
	c := &roundTrip{leases: leases, began: time.Now()}
	if slices.ContainsFunc(leases, func(l *lease) bool { return l.turn.reserved > 0 }) {
		c.quiet = f.peek()
	}
	f.pace.depart(c.began)
	f.expectEnds()
	f.onWire.Add(1)
	go func() {
		c.replies, c.lengths = f.engine.RunTurnsAndLook(ctx, turnsOf(c.leases), partitions(c.quiet))
		f.answers <- c
	}()
}

// expectEnds has the fetcher woken when as many more jobs have ended as are worth a turn.
func (f *fetcher) expectEnds() { f.worthAt.Store(f.capacity.ended.Load() + worthATurn) }

// awaitAnswer waits until a call has its answer, or another one may be worth it.
func (f *fetcher) awaitAnswer() {
	if f.onWire.Load() < maxOnWire && f.worthAt.Load() == math.MaxInt64 {
		f.expectEnds() // those that have ended are not worth one
	}
	select {
	case c := <-f.answers:
		f.takeIn(c)
	case <-f.wakeup:
	}
}

// takeIn takes in the answer to a call.
func (f *fetcher) takeIn(c *roundTrip) {
	f.onWire.Add(-1)
	if slices.ContainsFunc(c.replies, isAnswered) {
		f.pace.arrive(time.Now(), c.began)
	}
	for i, s := range c.quiet {
		switch n := c.lengths[i]; {
		case n < 0:
			s.unreachable.Store(true)
		case n > 0:
			s.expect(n)
		}
	}
	f.settleAll(c.leases, c.replies)
}

// turnsOf gives the turns of leases.
func turnsOf(leases []*lease) []*jobs.Turn {
	turns := make([]*jobs.Turn, len(leases))
	for i, l := range leases {
		turns[i] = l.turn.Turn
	}
	return turns
}
