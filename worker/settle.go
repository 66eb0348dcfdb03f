package worker

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
)

// settleAll takes in what turns came to that were made together. Those without an
// answer are pursued.
func (f *fetcher) settleAll(ctx context.Context, holdings []*holding, replies []jobs.TurnReply) {
	var open []answer
	for i, h := range holdings {
		if a := (answer{h, replies[i]}); a.known() {
			f.settle(a)
		} else {
			open = append(open, a)
		}
	}
	if open == nil {
		return
	}
	if err := open[0].Err; len(open) == len(holdings) && errors.Is(err, drayhorse.ErrUnavailable) {
		f.session.gone(err) // all of Redis, as far as is known
	}
	for _, a := range open {
		f.giveBack(a)
	}
	f.unanswered += len(open)
	f.session.loops.Go(func() { f.pursue(ctx, open) })
}

// settle takes in what one turn came to.
func (f *fetcher) settle(a answer) {
	s, h, reply := f.session, a.holding, a.TurnReply
	turn, counters, asked, reserved, suspect := h.pending, h.counters, h.asked, h.reserved, h.suspect
	h.pending, h.counters, h.asked, h.reserved, h.suspect = nil, nil, time.Time{}, 0, false
	if h.says() {
		f.note(h)
	}
	s.back()
	if isLost(reply.Err) {
		f.drop(h, turn, reply.Err)
		f.dispatch(h, nil, suspect)
		s.free(reserved)
		return
	}
	h.renew(asked)
	if h.suspectID != "" && slices.ContainsFunc(turn.Finishes, func(f jobs.Finish) bool { return f.ID == h.suspectID }) {
		h.suspectID = ""
		s.absolve(h.line)
	}
	f.report(h, counters, reply.Rejected)
	h.reuse(turn.Finishes, counters)
	h.line.away.Store(false)
	h.line.turned(reply.Turned, turn.Want > 0)
	f.dispatch(h, reply.Claims, suspect)
	h.cancel(reply.Cancels)
	s.free(reserved - len(reply.Claims))
	if h.line.isHot() && s.slots.any() {
		s.poke()
	}
}

// drop parts with a lease that Redis does not know any more. Its jobs are rescued
// by others; the next claim has a new lease.
func (f *fetcher) drop(h *holding, turn *jobs.Turn, err error) {
	f.mu.Lock()
	delete(f.held, h.line)
	f.lost = append(f.lost, h)
	f.mu.Unlock()
	s := f.session
	s.metrics.refused.Add(float64(len(turn.Finishes)))
	s.log.WarnContext(s.base, "lease lost; ending its jobs",
		slog.String(logs.Queue, h.line.part.String()), slog.String(logs.Lease, h.Name), slog.String(logs.Error, err.Error()))
	h.lose()
	if h.suspectID != "" && !h.runs(h.suspectID) {
		s.absolve(h.line) // otherwise its handler does, when it returns
	}
	h.line.heat()
}

// absolve allows this worker another suspect. That comes only when Redis knows what
// became of the one before: were the next one to kill the worker, both would be held.
func (s *session) absolve(l *line) {
	s.suspect.Store(false)
	l.heat()
}

// report counts what Redis accepted, and counts and logs what it refused.
func (f *fetcher) report(h *holding, counters []prometheus.Counter, rejected []string) {
	s := f.session
	for _, id := range rejected {
		s.metrics.refused.Inc()
		s.log.WarnContext(s.base, "finish refused: the job is no longer this worker's",
			slog.String(logs.Queue, h.line.part.Queue), slog.String(logs.JobID, jobs.UnpackID(id)))
	}
	if len(rejected) > 0 {
		return // which of the counters are meant is not worth the bookkeeping
	}
	for _, c := range counters {
		if c != nil {
			c.Inc()
		}
	}
}

// dispatch starts what was claimed. suspect says that one of the claims may be the
// one suspect that this worker is allowed.
func (f *fetcher) dispatch(h *holding, claims []jobs.Claim, suspect bool) {
	s := f.session
	s.active.Add(int64(len(claims))) // before looking at closing: stop does it the other way round
	if len(claims) > 0 {
		s.claimed.Store(time.Now().UnixNano())
	}
	found := false
	executions := make([]*execution, len(claims))
	for i := range claims {
		executions[i] = newExecution(h, &claims[i])
		if claims[i].Suspect() {
			found, h.suspectID = true, claims[i].ID
		}
	}
	h.add(executions)
	if s.isClosing() {
		for _, e := range executions {
			e.finish(jobs.Finish{Outcome: jobs.Release}, nil)
		}
	} else {
		s.executors.start(executions)
	}
	if suspect && !found {
		s.suspect.Store(false)
	}
}
