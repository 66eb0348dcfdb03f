package worker

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
)

// holding is a lease and all that is held under it. It belongs to one fetcher.
type holding struct {
	*jobs.Lease
	line    *line
	fetcher *fetcher

	// Of the fetcher's goroutine alone.
	pending   *jobs.Turn           // a turn that has no answer yet: no other is made before
	asked     time.Time            // when pending was asked for the first time
	reserved  int                  // slots reserved for what pending claims
	suspect   bool                 // pending may claim a suspect
	suspectID string               // the suspect that is held; empty: none is
	counters  []prometheus.Counter // of what pending finishes

	mu       sync.Mutex
	renewed  time.Time // when the last call that renewed the lease began
	running  []*execution
	finishes []jobs.Finish        // that no turn has taken along yet
	counts   []prometheus.Counter // one for each of finishes
	spare    struct {             // what the last turn took along, to be filled anew
		finishes []jobs.Finish
		counts   []prometheus.Counter
	}
	lost bool
}

// take makes finishes, at most the engine's limit, the pending turn. It reports
// false if there are none.
func (h *holding) take() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := min(len(h.finishes), jobs.MaxFinishes)
	if n == 0 {
		return false
	}
	h.pending = &jobs.Turn{Lease: h.Lease}
	if n < len(h.finishes) {
		h.pending.Finishes, h.counters = h.finishes[:n:n], h.counts[:n:n]
		h.finishes, h.counts = h.finishes[n:], h.counts[n:]
	} else {
		h.pending.Finishes, h.counters = h.finishes, h.counts
		h.finishes, h.counts = h.spare.finishes, h.spare.counts
		h.spare.finishes, h.spare.counts = nil, nil
	}
	return true
}

// reuse takes back the room of what a turn has said.
func (h *holding) reuse(finishes []jobs.Finish, counts []prometheus.Counter) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if cap(finishes) > cap(h.spare.finishes) {
		clear(finishes)
		clear(counts)
		h.spare.finishes, h.spare.counts = finishes[:0], counts[:0]
	}
}

// add notes claims that are about to run.
func (h *holding) add(executions []*execution) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range executions {
		e.at = len(h.running)
		h.running = append(h.running, e)
	}
}

// remove forgets a claim. Whether it was there says the second who asks that he is
// late. Callers hold mu.
func (h *holding) remove(e *execution) bool {
	last := len(h.running) - 1
	if e.at > last || h.running[e.at] != e {
		return false
	}
	h.running[e.at] = h.running[last]
	h.running[e.at].at = e.at
	h.running[last] = nil
	h.running = h.running[:last]
	return true
}

// done takes back what became of a claim. first is false if that was said before:
// the job was handed back. accepted is false if the lease is lost, so that it counts
// no more.
func (h *holding) done(e *execution, f jobs.Finish, count prometheus.Counter) (accepted, first bool) {
	h.mu.Lock()
	first, accepted = h.remove(e), !h.lost
	if !first || !accepted {
		h.mu.Unlock()
		return false, first
	}
	alone := len(h.finishes) == 0
	h.finishes, h.counts = append(h.finishes, f), append(h.counts, count)
	h.mu.Unlock()
	if alone {
		h.fetcher.note(h)
	}
	return true, true
}

// claims reports whether the pending turn does. Like pending, it is of the fetcher's
// goroutine alone.
func (h *holding) claims() bool { return h.reserved > 0 }

// says reports whether something finished that no turn has taken along yet.
func (h *holding) says() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.finishes) > 0
}

// empty reports whether nothing is held and nothing is to be said.
func (h *holding) empty() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.running) == 0 && len(h.finishes) == 0
}

// runs reports whether the handler of a claim has not returned.
func (h *holding) runs(id string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.ContainsFunc(h.running, func(e *execution) bool { return e.claim.ID == id })
}

// busy reports whether claims depend on the lease.
func (h *holding) busy() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.running) > 0 && !h.lost
}

// renew notes that a call which began at asked has renewed the lease.
func (h *holding) renew(asked time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if asked.After(h.renewed) {
		h.renewed = asked
	}
}

// trusted reports whether the lease must still be alive, by the worker's own clock:
// no observer can have condemned it before a full lease time has passed.
func (h *holding) trusted(now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.renewed.IsZero() || now.Sub(h.renewed) < jobs.LeaseTime-jobs.TrustMargin
}

// lastRenewed is when the last renewal began.
func (h *holding) lastRenewed() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.renewed
}

// executions gives what runs under the lease.
func (h *holding) executions() []*execution {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.running)
}

// cancel ends the contexts of jobs that somebody cancelled.
func (h *holding) cancel(ids []string) {
	if len(ids) == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.running {
		if slices.Contains(ids, e.claim.ID) {
			e.end(drayhorse.ErrCancelled)
		}
	}
}

// lose gives everything up: Redis says that the lease is dead.
func (h *holding) lose() {
	h.mu.Lock()
	refused := len(h.finishes)
	h.lost, h.finishes, h.counts = true, nil, nil
	h.mu.Unlock()
	for _, e := range h.executions() {
		e.end(drayhorse.ErrLeaseLost)
	}
	h.fetcher.session.metrics.refused.Add(float64(refused))
}

func isLost(err error) bool { return errors.Is(err, drayhorse.ErrLeaseLost) }
