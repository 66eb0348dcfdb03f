package worker

import (
	"errors"
	"log/slog"
	"math"
	"slices"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
)

// isAnswered reports whether a turn was answered, if only by the news that its lease is
// lost. One that was not may have been executed: it is made again before any other on
// its lease.
func isAnswered(r jobs.TurnReply) bool { return r.Err == nil || isLost(r.Err) }

// settleAll takes in what turns came to that were made together.
func (f *fetcher) settleAll(leases []*lease, replies []jobs.TurnReply) {
	answered := 0
	for i, l := range leases {
		if isAnswered(replies[i]) {
			f.settle(l, replies[i])
			answered++
		} else {
			f.postpone(l, replies[i].Err)
		}
	}
	switch {
	case answered > 0:
		f.phase.answered.Store(time.Now().UnixNano())
		f.reach.markReachable(f.addr)
	case errors.Is(replies[0].Err, drayhorse.ErrUnavailable):
		f.reach.markUnreachable(f.addr, replies[0].Err) // all of it, as far as is known
	}
}

// postpone has a turn that had no answer made again later. What it had reserved goes to
// others at once, and the source is left alone until then.
func (f *fetcher) postpone(l *lease, err error) {
	s := l.source
	f.capacity.give(l.turn.reserved)
	var wait time.Duration
	if errors.Is(err, drayhorse.ErrUnavailable) {
		s.unreachable.Store(true)
	} else {
		wait = f.logBroken(s, err)
		f.abandonTrial(l)
	}
	if !l.stalled { // or what ended under it would hold others up
		f.told(len(l.turn.Finishes) + l.stall(true))
	}
	s.markQuiet()
	l.turn.fail(wait)
	f.unanswered = append(f.unanswered, l)
}

// logBroken says what is wrong with a partition, and for how long it is left alone.
func (f *fetcher) logBroken(s *source, err error) time.Duration {
	wait := s.rest()
	if errors.Is(err, drayhorse.ErrFormat) {
		s.newer.Store(true)
		if !slices.ContainsFunc(f.supply.all(), func(s *source) bool { return !s.newer.Load() }) {
			f.fail(err) // there is nothing that this program could work on
		}
	}
	f.log.ErrorContext(f.base, "partition cannot be worked on", slog.String(logs.Queue, s.part.String()),
		slog.String(logs.Error, err.Error()), slog.Duration(logs.Wait, wait))
	return wait
}

// settle takes in what one turn came to.
func (f *fetcher) settle(l *lease, reply jobs.TurnReply) {
	done, more := l.endTurn()
	if more {
		f.note(l)
	}
	defer f.endTrial(l)
	if isLost(reply.Err) {
		f.drop(l, &done, reply.Err)
		return
	}
	l.renew(done.asked)
	if l.stalled {
		f.untold.Add(int64(l.stall(false)))
	} else {
		f.told(len(done.Finishes))
	}
	f.count(l.source, done.notes, reply.Rejected)
	f.discards.noteTurn(l.source.part, done.Finishes, reply.Turned)
	f.relay.noteTurn(l.source.part, done.Finishes)
	f.teller.noteTurn(l.source.part, done.notes, reply.Turned)
	l.reuse(&done)
	l.source.applyTurn(done.Turn, reply.Turned)
	if done.Trial && len(reply.Claims) == 0 {
		l.source.noteSuspects(0) // or they cannot be had now: a look says when they can
	}
	f.start(l, reply.Claims)
	l.cancel(reply.Cancels)
	f.capacity.give(done.reserved - len(reply.Claims))
}

// told notes that Redis knows of n jobs that have ended, or that nobody waits for that.
func (f *fetcher) told(n int) {
	f.untold.Add(int64(-n))
	if n > 0 && !f.claims {
		f.mate.wake() // there is room
	}
}

// drop parts with a lease that Redis does not know any more. Its jobs are rescued by
// others; the next claim has a new lease.
func (f *fetcher) drop(l *lease, done *turn, err error) {
	f.mu.Lock()
	if f.held[l.leaseKey] == l {
		delete(f.held, l.leaseKey)
	}
	f.lost = append(f.lost, l)
	f.mu.Unlock()
	f.log.WarnContext(f.base, "lease lost; ending its jobs",
		slog.String(logs.Queue, l.source.part.String()), slog.String(logs.Lease, l.Name), slog.String(logs.Error, err.Error()))
	unsaid, held := l.lose()
	for _, finish := range done.Finishes {
		unsaid = append(unsaid, finish.ID)
	}
	if !l.stalled {
		f.told(len(unsaid))
	}
	f.metrics.refused.Add(float64(len(unsaid)))
	f.onLost(l.Lease, append(held, unsaid...))
	f.capacity.give(done.reserved)
	l.source.markClaimable()
}

// count counts what Redis accepted, and counts and logs what it refused.
func (f *fetcher) count(s *source, notes []note, rejected []string) {
	for _, id := range rejected {
		f.metrics.refused.Inc()
		f.log.WarnContext(f.base, "finish refused: the job is no longer this worker's",
			slog.String(logs.Queue, s.part.Queue), slog.String(logs.JobID, jobs.UnpackID(id)))
	}
	if len(rejected) > 0 {
		return // which of the counters are meant is not worth the bookkeeping
	}
	for _, n := range notes {
		if n.counter != nil {
			n.counter.Inc()
		}
	}
}

// start has what was claimed run.
func (f *fetcher) start(l *lease, claims []jobs.Claim) {
	f.capacity.hold(len(claims)) // before looking at the phase: the stop does it the other way round
	executions := make([]*execution, len(claims))
	now := time.Now()
	for i := range claims {
		executions[i] = newExecution(f.base, l.source.part.Queue, &claims[i], l, now)
	}
	l.add(executions)
	if f.isStray(l) || f.phase.isClosing() {
		for _, e := range slices.Backward(executions) {
			e.release()
		}
	} else {
		f.executors.start(executions)
	}
}

// onEnded is told by a lease of a job that ended under it.
func (f *fetcher) onEnded(l *lease, news ended) {
	if !news.first {
		return
	}
	if !news.accepted {
		f.metrics.refused.Inc()
		f.endTrial(l)
	}
	if news.accepted && !news.stalled {
		f.untold.Add(1)
	}
	if news.accepted && news.alone {
		f.note(l)
	}
	f.capacity.end()
	f.wakeForEnded()
	if !f.claims {
		f.mate.wake() // there is room, on other nodes at least
	}
}

// wakeForEnded wakes the fetcher since a job has ended. While a call is on the wire it is
// left alone until as many have as are worth another one.
func (f *fetcher) wakeForEnded() {
	if f.onWire.Load() > 0 {
		at := f.worthAt.Load()
		if f.capacity.ended.Load() < at || !f.worthAt.CompareAndSwap(at, math.MaxInt64) {
			return
		}
	}
	f.wake()
}
