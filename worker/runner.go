package worker

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
)

// runner takes executions through their handlers. Whatever the code of users does in
// it, handlers, middleware, errors and retry policies, ends no more than the one attempt.
type runner struct {
	base      context.Context //nolint:containedctx // of log records alone
	log       *slog.Logger
	metrics   *instruments
	kinds     kinds
	deadlines *deadlines
	capacity  *capacity
	unserved  *unserved
	limited   func(queue, kind string) // a job of the kind has met a rate limit
	teller    *teller
}

// run takes a claim through the steps: read it, find its handler, call it, and say
// what became of it.
func (r *runner) run(e *execution) {
	if _, cause := e.ended(); cause != nil { // before it began
		e.owner.report(e, e.interrupted(cause), nil)
		return
	}
	var envelope jobs.Envelope
	if err := envelope.Decode(e.claim.Envelope); err != nil {
		r.log.ErrorContext(r.base, "job quarantined", slog.String(logs.JobID, jobs.UnpackID(e.claim.ID)), slog.String(logs.Error, err.Error()))
		e.owner.report(e, jobs.Finish{Outcome: jobs.Exhaust, Error: e.failure("quarantined: "+err.Error(), "")}, r.metrics.of(e.queue, other).finished[jobs.Exhaust])
		return
	}
	kind, label := r.kinds.find(envelope.Kind)
	series := r.metrics.of(e.queue, label)
	if kind == nil {
		r.unserved.note(r.base, envelope.Kind, e.queue)
		e.owner.report(e, jobs.Finish{Outcome: jobs.Divert, Lane: envelope.Kind}, series.finished[jobs.Divert])
		return
	}
	e.describe(&envelope)
	begun := time.Now()
	e.deadline = begun.Add(envelope.Timeout)
	e.started.Store(begun.UnixNano())
	r.deadlines.note(e.deadline)
	e.label, e.waited, e.ran = label, r.metrics.began(series, &envelope, e.attempt(), begun), -1
	r.teller.started(e)
	err := errGoexit // stands until the handler returns
	defer func() {
		took := time.Since(begun)
		e.ran = took
		r.metrics.ran(series, took)
		r.capacity.ran(took)
		if err == nil {
			e.conclude(jobs.Finish{Outcome: jobs.Complete, Keep: e.keep}, series)
		} else {
			r.fail(e, kind, series, err)
		}
	}()
	err = e.returned(call(e, kind.handler, &e.job))
}

// call runs a handler and makes its panic an error.
func call(ctx context.Context, handler Handler, job *drayhorse.Job[json.RawMessage]) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = newPanicError(r)
		}
	}()
	return handler(ctx, job)
}

// fail ends an attempt whose handler returned an error. What the user's code is asked
// for here, the text of the error, what it wraps, the wait before the next attempt and
// the log, may panic or end the goroutine as well: the attempt has failed with that.
func (r *runner) fail(e *execution, kind *registration, series *series, err error) {
	f, _ := e.failed(errGoexit)
	defer func() { e.conclude(f, series) }()
	f, message := decide(e, kind.retry, err)
	if f.Outcome == jobs.Limit {
		r.limited(e.queue, e.kind)
	}
	r.logEnd(&e.job, f.Outcome, message)
}

// decide gives what becomes of a job whose handler returned an error.
func decide(e *execution, retry RetryPolicy, err error) (f jobs.Finish, message string) {
	defer func() {
		if p := recover(); p != nil {
			f, message = e.failed(newPanicError(p))
		}
	}()
	return e.outcome(retry, err)
}

func (r *runner) logEnd(job *drayhorse.Job[json.RawMessage], outcome jobs.Outcome, message string) {
	level := slog.LevelWarn
	switch outcome {
	case jobs.Exhaust:
		level = slog.LevelError
	case jobs.Snooze, jobs.Limit, jobs.Release, jobs.Cancel:
		level = slog.LevelInfo
	}
	r.log.Log(r.base, level, "job did not complete", slog.String("outcome", outcomes[outcome]),
		slog.String(logs.JobID, job.ID), slog.String(logs.Kind, job.Kind), slog.String(logs.Queue, job.Queue),
		slog.Int(logs.Attempt, job.Attempt), slog.String(logs.Error, message))
}
