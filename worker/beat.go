package worker

import (
	"context"
	"log/slog"
	"runtime"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
)

const (
	// guardEvery is how often the worker asks itself whether its leases live.
	guardEvery = 250 * time.Millisecond
	// stuckAfter is how long a handler may go on after its context ended before
	// it is reported as stuck.
	stuckAfter = 10 * time.Second
)

// beats renews the leases under which jobs run, where no turn has done so lately,
// and learns of cancels.
func (s *session) beats(ctx context.Context) {
	ticker := time.NewTicker(jobs.BeatEvery / 2)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.beat(ctx)
		}
	}
}

func (s *session) beat(ctx context.Context) {
	asked := time.Now()
	var holdings []*holding
	var leases []*jobs.Lease
	for _, h := range s.holdings() {
		if h.busy() && asked.Sub(h.lastRenewed()) >= jobs.BeatEvery/2 {
			holdings, leases = append(holdings, h), append(leases, h.Lease)
		}
	}
	if len(leases) == 0 {
		return
	}
	for i, reply := range s.engine.Beat(ctx, leases...) {
		switch {
		case reply.Err == nil:
			holdings[i].renew(asked)
			holdings[i].cancel(reply.Cancels)
		case isLost(reply.Err):
			holdings[i].distrust() // the fetcher drops it with its next turn
		default:
			s.log.DebugContext(ctx, "beat failed", slog.String(logs.Error, reply.Err.Error()))
		}
	}
}

// guard ends the contexts of jobs whose time is up, or whose lease may have died
// without the worker being told, by its own clock, and reports handlers that do not
// heed it.
func (s *session) guard(ctx context.Context) {
	for s.deadlines.wait(ctx) {
		now := time.Now()
		s.deadlines.restart(now.Add(guardEvery))
		stuck := 0
		for _, h := range s.holdings() {
			if !h.trusted(now) {
				h.distrust()
			}
			for _, e := range h.executions() {
				if e.started.Load() == 0 {
					continue
				}
				if now.Before(e.deadline) {
					s.deadlines.note(e.deadline)
				} else {
					e.end(context.DeadlineExceeded)
				}
				stuck += s.checkStuck(e, now)
			}
		}
		s.metrics.stuck.Set(float64(stuck))
	}
}

// distrust ends the contexts of all jobs under the lease. Should it live after all,
// what they come to still counts.
func (h *holding) distrust() {
	for _, e := range h.executions() {
		e.end(drayhorse.ErrLeaseLost)
	}
}

// checkStuck counts an execution whose handler goes on long after its context ended,
// and reports it once, with the stacks of all goroutines. Its slot and its claim stay
// taken: to start the job again beside it would run it twice.
func (s *session) checkStuck(e *execution, now time.Time) int {
	at, cause := e.ended()
	if cause == nil || now.Sub(at) < stuckAfter {
		return 0
	}
	if e.stuck.CompareAndSwap(false, true) {
		buf := make([]byte, 1<<20)
		s.log.ErrorContext(s.base, "handler is stuck: its context ended and it goes on",
			slog.String(logs.JobID, jobs.UnpackID(e.claim.ID)), slog.Any(logs.Error, cause),
			slog.String(logs.Stack, string(buf[:runtime.Stack(buf, true)])))
	}
	return 1
}
