package worker

import (
	"context"
	"log/slog"
	"runtime"
	"time"

	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
)

const (
	// guardEvery is how often the worker asks itself whether its leases live.
	guardEvery = 250 * time.Millisecond
	// stuckAfter is how long a handler may go on after its context ended before
	// it is reported as stuck.
	stuckAfter = 10 * time.Second
	// maxWaitAhead is how long a job that was claimed ahead waits for a slot before
	// it goes back: handlers that were quick turned out to be slow.
	maxWaitAhead = time.Second
)

// guard ends the contexts of jobs whose time is up, or whose lease may have died
// without the worker being told, by its own clock; reports handlers that do not heed
// it; and gives back what was claimed ahead for too long.
type guard struct {
	*parts
	deadlines *deadlines
	leases    func() []*lease
	stuck     int // handlers at the last look
}

func (g *guard) run(ctx context.Context) {
	defer g.count(0)
	for g.deadlines.wait(ctx) {
		now := time.Now()
		g.deadlines.restart(now.Add(guardEvery))
		stuck := 0
		for _, l := range g.leases() {
			if !l.isTrusted(now) {
				l.distrust()
			}
			for _, e := range l.executions() {
				stuck += g.check(e, now)
			}
		}
		g.count(stuck)
		g.executors.withdraw(func(e *execution) bool { return now.Sub(e.claimedAt) > maxWaitAhead })
	}
}

// count says how many handlers are stuck. Other workers may share the gauge.
func (g *guard) count(stuck int) {
	g.metrics.stuck.Add(float64(stuck - g.stuck))
	g.stuck = stuck
}

// check ends the context of a job whose time is up, and counts it if its handler goes
// on long after its context ended.
func (g *guard) check(e *execution, now time.Time) (stuck int) {
	if e.started.Load() == 0 {
		return 0
	}
	if now.Before(e.deadline) {
		g.deadlines.note(e.deadline)
	} else {
		e.end(context.DeadlineExceeded)
	}
	at, cause := e.ended()
	if cause == nil || now.Sub(at) < stuckAfter {
		return 0
	}
	g.reportStuck(e, cause)
	return 1
}

// reportStuck says once that a handler goes on, with the stacks of all goroutines. Its
// slot and its claim stay taken: to start the job again beside it would run it twice.
func (g *guard) reportStuck(e *execution, cause error) {
	if !e.stuck.CompareAndSwap(false, true) {
		return
	}
	buf := make([]byte, 1<<20)
	g.log.ErrorContext(g.base, "handler is stuck: its context ended and it goes on",
		slog.String(logs.JobID, jobs.UnpackID(e.claim.ID)), slog.Any(logs.Error, cause),
		slog.String(logs.Stack, string(buf[:runtime.Stack(buf, true)])))
}
