package worker

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/flows"
	"github.com/drayhorse/drayhorse/internal/inline"
	"github.com/drayhorse/drayhorse/internal/jobs"
)

// current is the job that runs in the goroutine of Next's caller. The zero value is none.
type current struct {
	lease     *lease
	execution *execution
	begun     time.Time // by the clock of the server
	lost      bool      // the worker has died

	job    *drayhorse.Job[json.RawMessage] // as its handler got it; nil: no handler was called
	err    error                           // that the handler returned
	finish jobs.Finish                     // what has become of it
}

// witness is the outermost middleware. It keeps what the handler got and returned.
func (i *inlined) witness(next Handler) Handler {
	return func(ctx context.Context, job *drayhorse.Job[json.RawMessage]) error {
		seen := *job
		i.mu.Lock()
		i.current.job = &seen
		i.mu.Unlock()
		err := next(ctx, job)
		i.mu.Lock()
		i.current.err = err
		i.mu.Unlock()
		return err
	}
}

// reported is the reporter of the job that runs. It keeps what has become of it, for
// Next, and tells the lease.
type reported struct{ *inlined }

func (r reported) now() time.Time { return r.client.Now() }

func (r reported) stepClaim(e *execution) jobs.StepClaim {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.current.lease.stepClaim(e)
}

// flusher: what is reported is written with the finish.
func (r reported) flusher() *flusher { return nil }

func (r reported) flows() *flows.Store { return r.relay.store }

func (r reported) report(e *execution, f jobs.Finish, counter prometheus.Counter) {
	r.mu.Lock()
	r.current.finish = f
	l := r.current.lease
	r.mu.Unlock()
	l.report(e, f, counter)
}

// run runs the handler of a claim, has Redis know what became of it, and says so.
func (i *inlined) run(ctx context.Context, e *execution) (inline.Run, error) {
	l := e.owner.(*lease) // as all claims have
	i.mu.Lock()
	i.current = current{lease: l, execution: e, begun: i.client.Now()}
	i.mu.Unlock()
	e.owner = reported{i}
	done := i.handle(ctx, e)
	if err := i.say(ctx); err != nil {
		return inline.Run{}, err
	}
	return done.told(ctx)
}

// say has Redis know what has become of the job. It claims nothing, since the next job is
// for whoever asks for it.
func (i *inlined) say(ctx context.Context) error {
	leases := i.fetcher.takeEnded(nil)
	for ctx.Err() == nil {
		for _, l := range leases {
			if l.turn.asked.IsZero() {
				l.turn.asked = time.Now()
			}
		}
		if len(leases) > 0 {
			if err := i.makeTurns(ctx, leases); err != nil {
				return err
			}
		}
		if len(i.fetcher.unanswered) == 0 {
			i.discards.drain()
			i.relay.flush(ctx)
			return nil
		}
		i.fetcher.sleep(ctx, time.Time{})
		leases = i.fetcher.takeDue(time.Now())
	}
	return ctx.Err()
}

// told gives what a test is told of the job.
func (c *current) told(ctx context.Context) (inline.Run, error) {
	id := c.execution.claim.ID
	run := inline.Run{Job: c.job, Err: c.err, Result: c.finish.Result}
	if c.job == nil {
		run.Job = &drayhorse.Job[json.RawMessage]{
			ID: jobs.UnpackID(id), Kind: c.finish.Lane, Queue: c.execution.queue, Attempt: c.execution.attempt(),
		}
	}
	if c.err == nil && c.finish.Error != nil { // it did not return
		run.Err = errors.New(c.finish.Error.Message)
	}
	if c.lost {
		run.Err, run.Result = errors.Join(errLost, run.Err), nil
	}
	if c.finish.Outcome == jobs.Complete && !c.lost {
		run.State = drayhorse.Completed
		return run, nil
	}
	infos, err := c.lease.Partition.Inspect(ctx, id)
	if err == nil && infos[0] != nil {
		run.State, run.DueAt = infos[0].State, infos[0].DueAt
	}
	return run, err
}

// handle has the runner run an execution, beside what a worker does for the jobs that it
// holds. A handler that ends the test's goroutine takes Next along.
func (i *inlined) handle(ctx context.Context, e *execution) current {
	beside, stop := context.WithCancel(ctx)
	var loops sync.WaitGroup
	guard := &guard{parts: &i.parts, deadlines: i.deadlines, leases: i.leases}
	loops.Go(func() { guard.run(beside) })
	loops.Go(func() { i.node.beats(beside) })
	defer func() {
		stop()
		loops.Wait()
	}()
	i.runner.run(e)
	i.mu.Lock()
	defer i.mu.Unlock()
	done := i.current
	i.current = current{}
	return done
}
