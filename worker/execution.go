package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
)

// execution is one claim on its way through its handler. All that it needs is made
// together.
type execution struct {
	jobContext

	holding *holding
	at      int // in the holding's list
	claim   jobs.Claim
	stuck   atomic.Bool  // it was reported that the handler does not heed its context's end
	started atomic.Int64 // Unix ns when the handler was called; 0 before

	kind        string // as the envelope has it, like the next two: handlers may change job
	maxAttempts int
	keep        bool // the job leaves something behind when it completes
	job         drayhorse.Job[json.RawMessage]
	result      []byte
}

func newExecution(h *holding, c *jobs.Claim) *execution {
	return &execution{jobContext: jobContext{base: h.fetcher.session.base}, holding: h, claim: *c}
}

// run takes a claim through the steps: read it, find its handler, call it, and say
// what became of it.
func (e *execution) run() {
	s, queue := e.holding.fetcher.session, e.holding.line.part.Queue
	var envelope jobs.Envelope
	if err := envelope.Decode(e.claim.Envelope); err != nil {
		s.log.ErrorContext(s.base, "job quarantined", slog.String(logs.JobID, jobs.UnpackID(e.claim.ID)), slog.String(logs.Error, err.Error()))
		e.finish(jobs.Finish{Outcome: jobs.Exhaust, Error: e.failure("quarantined: "+err.Error(), "")}, s.metrics.of(queue, other).finished[jobs.Exhaust])
		return
	}
	kind, label := s.find(envelope.Kind)
	series := s.metrics.of(queue, label)
	if kind == nil {
		e.finish(jobs.Finish{Outcome: jobs.Divert, Lane: envelope.Kind}, series.finished[jobs.Divert])
		return
	}
	e.describe(&envelope)
	begun := time.Now()
	e.deadline = begun.Add(envelope.Timeout)
	e.started.Store(begun.UnixNano())
	s.deadlines.note(e.deadline)
	s.metrics.began(series, &envelope, e.attempt(), begun)
	err := errGoexit
	defer func() { // also when the handler ends the goroutine
		s.metrics.ran(series, time.Since(begun))
		e.conclude(kind, series, err)
		e.end(context.Canceled)
	}()
	err = call(e, kind.handler, &e.job)
}

// errGoexit stands until the handler returns.
var errGoexit = errors.New("handler ended its goroutine (runtime.Goexit)")

// call runs a handler and makes its panic an error.
func call(ctx context.Context, handler Handler, job *drayhorse.Job[json.RawMessage]) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &panicError{value: r, stack: string(debug.Stack())}
		}
	}()
	return handler(ctx, job)
}

// panicError is what a panic becomes.
type panicError struct {
	value any
	stack string
}

func (p *panicError) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// Unwrap gives the error that was panicked with, if it was one.
func (p *panicError) Unwrap() error {
	err, _ := p.value.(error)
	return err
}

// attempt is the number of this run, from 1.
func (e *execution) attempt() int { return e.claim.Failed + 1 }

// describe fills in what the handler sees, and what counts when it has returned.
func (e *execution) describe(envelope *jobs.Envelope) {
	e.kind, e.maxAttempts, e.keep = envelope.Kind, envelope.MaxAttempts, envelope.OwnID || envelope.Retain > 0
	e.job = drayhorse.Job[json.RawMessage]{
		ID: jobs.UnpackID(e.claim.ID), Kind: envelope.Kind, Args: envelope.Args,
		Attempt: e.attempt(), MaxAttempts: envelope.MaxAttempts,
		Queue: e.holding.line.part.Queue, EnqueuedAt: envelope.EnqueuedAt, DueAt: envelope.DueAt,
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
	e.holding.mu.Lock()
	defer e.holding.mu.Unlock()
	e.result = result
	return nil
}

// failure makes an error record of this attempt.
func (e *execution) failure(message, stack string) *drayhorse.AttemptError {
	return &drayhorse.AttemptError{Attempt: e.attempt(), At: time.Now(), Message: message, Stack: stack}
}

// finish hands the outcome to the fetcher and frees the slot. count is increased
// when Redis accepts it. Whoever comes second, after the job was handed back, does
// nothing.
func (e *execution) finish(f jobs.Finish, count prometheus.Counter) {
	fetcher := e.holding.fetcher
	s := fetcher.session
	f.ID, f.Seq = e.claim.ID, e.claim.Seq
	accepted, first := e.holding.done(e, f, count)
	if !first {
		return
	}
	if !accepted {
		s.metrics.refused.Inc()
		if e.claim.Suspect() {
			s.absolve(e.holding.line)
		}
	}
	s.ended()
	fetcher.rouse()
	if fetcher.onWire.Load() || !fetcher.claims() {
		s.poke()
	}
}
