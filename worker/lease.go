package worker

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/flows"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// lease is a lease and all that is held under it. It belongs to one fetch loop.
type lease struct {
	*jobs.Lease
	leaseKey
	flush   *flusher
	store   *flows.Store
	teller  *teller
	onEnded func(l *lease, news ended)

	// Of the fetch loop's goroutine alone.
	turn turn

	mu      sync.Mutex
	renewed time.Time // when the last call that renewed the lease began
	running []*execution
	unsaid  finishes
	spare   finishes // the room of what the last turn said
	lost    bool
	stalled bool // its last turn had no answer; written by the fetch loop's goroutine alone
}

// turn is a lease's turn that has no answer yet: no other is made before. The zero turn
// is none.
type turn struct {
	*jobs.Turn
	notes    []note    // of what it finishes
	asked    time.Time // when it was made for the first time
	retryAt  time.Time // when it is made again; zero: it has not failed
	backoff  redis.Backoff
	reserved int // room in the capacity for what it claims
}

// ended is what a lease says of a job that ended under it.
type ended struct {
	first    bool // nothing was said of this job before
	accepted bool // the lease is not lost: the next turn says it
	alone    bool // nothing else was to be said
	stalled  bool // nobody knows when it will be
}

// report is called when a job has ended.
func (l *lease) report(e *execution, f jobs.Finish, counter prometheus.Counter) {
	f.ID, f.Seq, f.Linked = e.claim.ID, e.claim.Seq, e.claim.Linked()
	var streams bool
	f.Reports, streams = e.lastReports()
	f.Keep = f.Keep || streams
	if e.group != "" { // it has run
		l.source.groups.note(e.group)
	}
	n := note{counter, l.teller.ended(e, &f)}
	l.mu.Lock()
	news := ended{first: l.remove(e), accepted: !l.lost, alone: len(l.unsaid.list) == 0, stalled: l.stalled}
	if news.first && news.accepted {
		l.unsaid.add(f, n)
	}
	l.mu.Unlock()
	l.onEnded(l, news)
}

// now is the time to be written down.
func (l *lease) now() time.Time { return l.Partition.Now() }

// flusher writes what handlers report while they run.
func (l *lease) flusher() *flusher { return l.flush }

// flows is where the batches are of which jobs are members.
func (l *lease) flows() *flows.Store { return l.store }

// takeFinishes makes what ended the lease's turn, of at most budget bytes, and says how
// many it has. It reports false if there is nothing to say.
func (l *lease) takeFinishes(budget int) (bytes int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.unsaid.list) == 0 {
		return 0, false
	}
	cut, bytes := l.unsaid.cut(budget)
	if l.unsaid.list == nil {
		l.unsaid, l.spare = l.spare, finishes{}
	}
	l.turn = turn{Turn: &jobs.Turn{Lease: l.Lease, Finishes: cut.list}, notes: cut.notes}
	return bytes, true
}

// endTurn takes the turn away, which was answered, and says whether there is more to
// say.
func (l *lease) endTurn() (done turn, more bool) {
	done, l.turn = l.turn, turn{}
	l.mu.Lock()
	defer l.mu.Unlock()
	return done, len(l.unsaid.list) > 0
}

// stall notes whether the last turn had no answer, and gives how many finishes no turn has
// taken along yet.
func (l *lease) stall(stalled bool) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stalled = stalled
	return len(l.unsaid.list)
}

// unsaidCount is how many jobs have ended that no turn has taken along yet.
func (l *lease) unsaidCount() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.unsaid.list)
}

// reuse takes back the room of what a turn has said.
func (l *lease) reuse(t *turn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if cap(t.Finishes) > cap(l.spare.list) {
		sent := finishes{list: t.Finishes, notes: t.notes}
		l.spare = sent.emptied()
	}
}

// add notes jobs that were claimed.
func (l *lease) add(executions []*execution) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range executions {
		e.at = len(l.running)
		l.running = append(l.running, e)
	}
}

// remove forgets a job and reports whether it was there. Callers hold mu.
func (l *lease) remove(e *execution) bool {
	last := len(l.running) - 1
	if e.at > last || l.running[e.at] != e {
		return false
	}
	l.running[e.at] = l.running[last]
	l.running[e.at].at = e.at
	l.running[last] = nil
	l.running = l.running[:last]
	return true
}

// isEmpty reports whether nothing is held and nothing is to be said.
func (l *lease) isEmpty() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.running) == 0 && len(l.unsaid.list) == 0
}

// isBusy reports whether jobs depend on the lease.
func (l *lease) isBusy() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.running) > 0 && !l.lost
}

// renew notes that a call which began at asked has renewed the lease.
func (l *lease) renew(asked time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if asked.After(l.renewed) {
		l.renewed = asked
	}
}

// isTrusted reports whether the lease must still be alive, by the worker's own clock:
// no observer can have condemned it before a full lease time has passed.
func (l *lease) isTrusted(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.renewed.IsZero() || now.Sub(l.renewed) < jobs.LeaseTime-jobs.TrustMargin
}

// lastRenewed is when the last renewal began.
func (l *lease) lastRenewed() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.renewed
}

// executions gives what is held under the lease.
func (l *lease) executions() []*execution {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.running)
}

// cancel ends the contexts of jobs that are to be cancelled.
func (l *lease) cancel(ids []string) {
	if len(ids) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.running {
		if slices.Contains(ids, e.claim.ID) {
			e.end(drayhorse.ErrCancelled)
		}
	}
}

// distrust ends the contexts of all jobs under the lease. Should it live after all,
// what they come to still counts.
func (l *lease) distrust() {
	for _, e := range l.executions() {
		e.end(drayhorse.ErrLeaseLost)
	}
}

// lose gives everything up: Redis says that the lease is dead. It gives the jobs that
// had ended, of which Redis will not hear, and those that are held.
func (l *lease) lose() (unsaid, held []string) {
	l.mu.Lock()
	for _, f := range l.unsaid.list {
		unsaid = append(unsaid, f.ID)
	}
	for _, e := range l.running {
		held = append(held, e.claim.ID)
	}
	l.lost, l.unsaid = true, finishes{}
	l.mu.Unlock()
	l.distrust()
	return unsaid, held
}

func isLost(err error) bool { return errors.Is(err, drayhorse.ErrLeaseLost) }

// fail notes that the turn had no answer, and when it is to be made again. What it
// wanted to claim it gives up, save what it may have claimed already.
func (t *turn) fail(wait time.Duration) {
	if wait == 0 {
		wait = t.backoff.Next()
	}
	t.retryAt = time.Now().Add(wait)
	t.Forgo()
	t.reserved = 0
}

// isDue reports whether the turn is to be made now.
func (t *turn) isDue(now time.Time) bool { return t.retryAt.IsZero() || !now.Before(t.retryAt) }
