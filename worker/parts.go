package worker

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/limits"
)

// parts are what the loops of a worker work with. The session makes them.
type parts struct {
	id      string          // of the worker, in the names of its leases
	base    context.Context //nolint:containedctx // carries the values of Run's context, never ends
	log     *slog.Logger
	engine  *jobs.Engine
	metrics *instruments

	capacity  *capacity
	permit    permit
	supply    *supply
	reach     *reach
	bells     *bells
	executors *executors
	reports   *flusher  // nil: what handlers report is written with their finishes
	discards  *discards // nil: nobody wants to know
	limits    *limits.Limits
	relay     *relay
	teller    *teller
	phase     *phase
	epoch     atomic.Uint64                     // of the last lease
	fail      func(err error)                   // ends Run with an error that waiting cannot mend
	onLost    func(l *jobs.Lease, ids []string) // a lease was lost that held these jobs
}

// withdraw gives back what was claimed from a queue and has not begun.
func (p *parts) withdraw(queue string) {
	p.executors.withdraw(func(e *execution) bool { return e.queue == queue })
}

// withdrawKind gives back what was claimed of a kind from a queue and has not begun.
func (p *parts) withdrawKind(queue, kind string) {
	p.executors.withdraw(func(e *execution) bool {
		var envelope jobs.Envelope
		return e.queue == queue && envelope.Decode(e.claim.Envelope) == nil && envelope.Kind == kind
	})
}

// phase says how far a worker's stop has come.
type phase struct {
	closing  chan struct{} // closed when nothing more is to be claimed
	drained  chan struct{} // closed when no job is left to run
	answered atomic.Int64  // Unix ns of the last answer to a turn
}

func newPhase() *phase {
	return &phase{closing: make(chan struct{}), drained: make(chan struct{})}
}

// isClosing reports whether nothing more is to be claimed.
func (p *phase) isClosing() bool { return isClosed(p.closing) }

// isDrained reports whether no job is left to run.
func (p *phase) isDrained() bool { return isClosed(p.drained) }

// sinceAnswer is how long ago a turn was answered.
func (p *phase) sinceAnswer(now time.Time) time.Duration {
	return now.Sub(time.Unix(0, p.answered.Load()))
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
