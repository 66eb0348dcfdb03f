package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/flows"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/steps"
)

// execution is one claim on its way through its handler. All that it needs is made
// together.
type execution struct {
	jobContext

	owner     reporter
	at        int // in the lease's list
	queue     string
	claim     jobs.Claim
	claimedAt time.Time
	stuck     atomic.Bool  // it was reported that the handler does not heed its context's end
	started   atomic.Int64 // Unix ns when the handler was called; 0 before

	label       string        // of the kind, for what is counted
	waited, ran time.Duration // of this attempt; negative: not known

	kind        string // as the envelope has it, like the next four: handlers may change job
	group       string
	enqueuedAt  time.Time
	maxAttempts int
	keep        bool // the job leaves something behind when it completes
	job         drayhorse.Job[json.RawMessage]
	result      []byte     // under the context's mutex
	reports     *reports   // the same; nil: nothing was reported
	steps       *steps.Run // the same; nil: the handler has taken none
}

// reporter is told what became of an execution. Only the first report of each counts.
type reporter interface {
	// report has the counter increased when Redis has accepted the finish; nil counts
	// nothing.
	report(e *execution, f jobs.Finish, counter prometheus.Counter)
	// now is the time to be written down.
	now() time.Time
	// stepClaim gives the claim under which the steps of its handler count.
	stepClaim(e *execution) jobs.StepClaim
	// flusher writes what handlers report while they run; nil: it is written with the finish.
	flusher() *flusher
	// flows is where the batches are of which jobs are members.
	flows() *flows.Store
}

func newExecution(base context.Context, queue string, c *jobs.Claim, owner reporter, now time.Time) *execution {
	return &execution{jobContext: jobContext{base: base}, owner: owner, queue: queue, claim: *c, claimedAt: now}
}

// release hands the job back, which loses no attempt.
func (e *execution) release() { e.owner.report(e, jobs.Finish{Outcome: jobs.Release}, nil) }

// attempt is the number of this run, from 1.
func (e *execution) attempt() int { return e.claim.Failed + 1 }

// describe fills in what the handler sees, and what counts when it has returned.
func (e *execution) describe(envelope *jobs.Envelope) {
	e.kind, e.group, e.enqueuedAt, e.maxAttempts = envelope.Kind, envelope.Group, envelope.EnqueuedAt, envelope.MaxAttempts
	e.keep = envelope.OwnID || envelope.Retain > 0 || envelope.UniqueKey != ""
	e.job = drayhorse.Job[json.RawMessage]{
		ID: jobs.UnpackID(e.claim.ID), Kind: envelope.Kind, Args: envelope.Args,
		Attempt: e.attempt(), MaxAttempts: envelope.MaxAttempts,
		Queue: e.queue, EnqueuedAt: envelope.EnqueuedAt, DueAt: envelope.DueAt,
		Tick: envelope.Tick, Trace: envelope.Trace,
	}
	e.job.Bind(e)
}

// SetResult keeps the result until the job ends; it is drayhorse.Recorder.
func (e *execution) SetResult(result json.RawMessage) error {
	if len(result) > drayhorse.DefaultMaxArgs {
		return fmt.Errorf("%w: result of job %s has %d bytes, at most %d are allowed",
			drayhorse.ErrInvalid, jobs.UnpackID(e.claim.ID), len(result), drayhorse.DefaultMaxArgs)
	}
	if len(result) > flow.MaxResult && e.claim.IsStep() {
		return fmt.Errorf("%w: result of job %s, a step of a flow, has %d bytes, at most %d are allowed",
			drayhorse.ErrInvalid, jobs.UnpackID(e.claim.ID), len(result), flow.MaxResult)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.result = result
	return nil
}

// conclude reports what became of the job whose handler has run.
func (e *execution) conclude(f jobs.Finish, series *series) {
	e.mu.Lock()
	f.Result = e.result
	e.mu.Unlock()
	f.Kind, f.Waited, f.Ran = e.label, e.waited, e.ran
	f.Keep = f.Keep || len(f.Result) > 0 && e.claim.IsStep() // for the flow
	e.owner.report(e, f, series.finished[f.Outcome])
	e.end(context.Canceled)
}

// failure makes an error record of this attempt.
func (e *execution) failure(message, stack string) *drayhorse.AttemptError {
	return &drayhorse.AttemptError{Attempt: e.attempt(), At: e.owner.now(), Message: message, Stack: stack}
}
