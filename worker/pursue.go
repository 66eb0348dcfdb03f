package worker

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// brokenWait is how long a partition is left alone after an error that is not
// Redis being away, such as a key of the wrong type.
const brokenWait = 5 * time.Second

// answer is what a holding's pending turn came to.
type answer struct {
	holding *holding
	jobs.TurnReply
}

// known reports whether the turn was answered, if only by the news that its lease is
// lost. One that was not may have been executed: it is made again before any other on
// its lease.
func (a *answer) known() bool { return a.Err == nil || isLost(a.Err) }

// giveBack has the slots that a turn without an answer has reserved go to others, and
// the turn claim no more than it has already. The fetcher's next turn must not meet the
// same silence: it leaves the line alone from here on, until that answers somebody.
func (f *fetcher) giveBack(a answer) {
	h := a.holding
	h.line.away.Store(errors.Is(a.Err, drayhorse.ErrUnavailable))
	h.line.cool()
	h.pending.Forgo()
	f.session.free(h.reserved)
	h.reserved = 0
}

// pursue makes turns that had no answer again until each has one. It does so beside
// the fetcher, so that a node of a Cluster which is away does not hold up what is on
// others.
func (f *fetcher) pursue(ctx context.Context, open []answer) {
	var backoff redis.Backoff
	for len(open) > 0 {
		wait := backoff.Next()
		for i := range open {
			if f.complain(&open[i]) {
				wait = brokenWait
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		turns := make([]*jobs.Turn, len(open))
		for i := range open {
			turns[i] = open[i].holding.pending
		}
		for i, reply := range f.session.engine.RunTurns(ctx, turns...) {
			open[i].TurnReply = reply
		}
		open = f.deliver(open)
	}
}

// deliver gives the fetcher what is known and the caller the rest.
func (f *fetcher) deliver(answers []answer) (open []answer) {
	f.mu.Lock()
	for _, a := range answers {
		if a.known() {
			f.late = append(f.late, a)
		} else {
			open = append(open, a)
		}
	}
	f.mu.Unlock()
	f.rouse()
	return open
}

// complain says what is wrong with a partition, and reports whether that will take
// its time to mend.
func (f *fetcher) complain(a *answer) (broken bool) {
	s, l := f.session, a.holding.line
	switch {
	case errors.Is(a.Err, drayhorse.ErrUnavailable):
		return false
	case errors.Is(a.Err, drayhorse.ErrFormat):
		s.fail(a.Err)
	default:
		s.log.ErrorContext(s.base, "partition cannot be worked on",
			slog.String(logs.Queue, l.part.String()), slog.String(logs.Error, a.Err.Error()))
	}
	return true
}
