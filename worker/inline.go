package worker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/inline"
	"github.com/drayhorse/drayhorse/internal/jobs"
)

func init() {
	inline.OpenWorker = func(ctx context.Context, w any) (inline.Worker, error) {
		return openInline(ctx, w.(*Worker)) // which is what the door takes
	}
}

// inlined is a session with one fetcher and one slot that have no goroutines: whoever
// calls Next makes the turns, and runs the handlers.
type inlined struct {
	*session
	node    *node
	fetcher *fetcher
	watch   *jobs.Watch
	failing int // turns in a row that had no answer

	mu      sync.Mutex
	current current
}

// openInline makes the session of a worker that has not run.
func openInline(ctx context.Context, w *Worker) (*inlined, error) {
	if err := w.start(); err != nil {
		return nil, err
	}
	i := &inlined{watch: jobs.NewWatch()}
	if err := w.kinds.wrap([]Middleware{i.witness}); err != nil {
		return nil, err
	}
	w.cfg.Concurrency = 1 // claims no job before its turn
	i.session = newSession(context.WithoutCancel(ctx), w)
	i.executors = newExecutors(0, i.runner.run)
	i.reports = nil                           // nobody would call it
	i.teller.heard(0)                         // the same
	i.supply.strict = true                    // queues in the same order each time
	i.onLost = func(*jobs.Lease, []string) {} // a worker that died says nothing more
	i.node = newNode(&i.parts, "", 0, false)
	i.fetcher = i.node.claimer()
	i.node.leases, i.fetcher.others = i.leases, i.claimers
	i.nodes.Store(&[]*node{i.node})
	i.reach.know()
	if err := i.connect(ctx); err != nil {
		return nil, errors.Join(err, w.client.Close())
	}
	return i, nil
}

// Addr is where the worker's jobs are.
func (i *inlined) Addr() string { return i.client.Addr() }

// Close parts with the leases and ends the connections.
func (i *inlined) Close() error {
	i.fetcher.leaveIdle(i.base, 0)
	for _, s := range i.supply.all() {
		s.due.Stop()
	}
	return i.client.Close()
}

// Next makes turns until one has claimed a job, and runs that; or until nothing is left
// to claim.
func (i *inlined) Next(ctx context.Context) (inline.Run, bool, error) {
	for looked, watched := false, false; ctx.Err() == nil; {
		if e := i.executors.take(); e != nil {
			run, err := i.run(ctx, e)
			return run, err == nil, err
		}
		leases := i.fetcher.plan(time.Now())
		switch {
		case len(leases) > 0:
			if err := i.makeTurns(ctx, leases); err != nil {
				return inline.Run{}, false, err
			}
		case len(i.fetcher.unanswered) > 0:
			i.fetcher.sleep(ctx, time.Time{})
		case !looked: // at what a bell would say
			if err := i.look(ctx); err != nil {
				return inline.Run{}, false, err
			}
			looked = true
		case !watched: // what flows wait for
			i.relay.look(ctx, 0)
			looked, watched = false, true
		default:
			i.fetcher.leaveIdle(ctx, 0)
			i.discards.drain()
			i.node.noteGroups(ctx)
			return inline.Run{}, false, nil
		}
	}
	return inline.Run{}, false, ctx.Err()
}

// look looks at the partitions, after shares of limits have followed what there is.
func (i *inlined) look(ctx context.Context) error {
	_, shares := i.node.look(ctx, i.watch)
	if len(shares) == 0 {
		return nil
	}
	err := i.limits.Balance(ctx, shares)
	i.node.look(ctx, i.watch)
	return err
}

// maxFailing is how often a turn is made without an answer before Next gives up.
const maxFailing = 8

// makeTurns makes turns as the fetcher does, but for claims ahead of the slot.
func (i *inlined) makeTurns(ctx context.Context, leases []*lease) error {
	replies := i.engine.RunTurns(ctx, turnsOf(leases)...)
	i.fetcher.settleAll(leases, replies)
	for _, r := range replies {
		switch {
		case isAnswered(r):
			i.failing = 0
		case errors.Is(r.Err, drayhorse.ErrUnavailable) && i.failing < maxFailing:
			i.failing++
		default:
			return r.Err
		}
	}
	return nil
}

// Due is when the next job is due that is not yet.
func (i *inlined) Due(ctx context.Context) (next time.Time, err error) {
	for _, o := range i.engine.Observe(ctx, partitions(i.supply.all())...) {
		if o.Err != nil {
			return next, o.Err
		}
		if !o.Paused && o.NextDue.After(o.Now) && (next.IsZero() || o.NextDue.Before(next)) {
			next = o.NextDue
		}
	}
	return next, nil
}

// Expire ends the context of the handler that runs, if its time is up by the clock of
// the server. By the clock of the machine the guard does.
func (i *inlined) Expire() {
	i.mu.Lock()
	defer i.mu.Unlock()
	e := i.current.execution
	if e == nil || e.started.Load() == 0 {
		return
	}
	timeout := e.deadline.Sub(time.Unix(0, e.started.Load()))
	if !i.client.Now().Before(i.current.begun.Add(timeout)) {
		e.end(context.DeadlineExceeded)
	}
}

// Swept tells the worker of jobs that were discarded in its stead, unless it does not
// serve their queue.
func (i *inlined) Swept(partition string, ids []string) bool {
	for _, s := range i.supply.all() {
		if s.part.String() == partition {
			i.discards.note(s.part, ids...)
			return true
		}
	}
	return false
}

// errLost is why a lease was lost that nobody but a test has lost.
var errLost = fmt.Errorf("%w: a test has lost the worker", drayhorse.ErrLeaseLost)

// Lose condemns the lease of the job that runs, and has the job rescued, as other workers
// do when this one is dead.
func (i *inlined) Lose(ctx context.Context) (running bool, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	l := i.current.lease
	if l == nil || i.current.lost {
		return l != nil, nil
	}
	seen := i.engine.Observe(ctx, l.Partition)[0]
	if seen.Err != nil {
		return true, seen.Err
	}
	for _, score := range seen.Leases {
		if score.Lease != l.Name {
			continue
		}
		got, err := l.Partition.Rescue(ctx, []jobs.Score{score})
		if err != nil {
			return true, err
		}
		i.discards.note(l.Partition, got.Discarded...)
	}
	i.current.lost = true
	i.fetcher.drop(l, &turn{Turn: new(jobs.Turn)}, errLost)
	return true, nil
}
