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

// execution is one claim on its way through its handler.
type execution struct {
	holding *holding
	claim   *jobs.Claim
	ctx     context.Context //nolint:containedctx // of one run of one handler
	end     context.CancelCauseFunc
	endedAt atomic.Int64 // Unix ns when the context ended; 0 while it lives
	stuck   atomic.Bool  // it was reported that the handler does not heed that
	started atomic.Int64 // Unix ns when the handler was called; 0 before

	envelope *jobs.Envelope
	result   []byte
}

func newExecution(h *holding, c *jobs.Claim) *execution {
	e := &execution{holding: h, claim: c}
	ctx, cancel := context.WithCancelCause(h.fetcher.session.base)
	e.ctx = ctx
	e.end = func(cause error) {
		e.endedAt.CompareAndSwap(0, time.Now().UnixNano())
		cancel(cause)
	}
	return e
}

// start hands a claim to an executor. There are as many as were ever needed at once.
func (s *session) start(e *execution) {
	if s.executors.Load() < min(s.active.Load(), int64(s.cfg.Concurrency)) {
		s.executors.Add(1)
		s.pool.Go(s.executor)
	}
	s.queue <- e
}

// executor runs claims until the session stops. A handler that ends its goroutine
// (runtime.Goexit) takes the executor along: another one takes its place.
func (s *session) executor() {
	normal := false
	defer func() {
		if !normal {
			s.pool.Go(s.executor)
		}
	}()
	for e := range s.queue {
		e.run()
	}
	normal = true
}

// run takes a claim through the steps: read it, find its handler, call it, and say
// what became of it.
func (e *execution) run() {
	s, queue := e.holding.fetcher.session, e.holding.line.part.Queue
	envelope, err := jobs.DecodeEnvelope(e.claim.Envelope)
	if err != nil {
		s.log.ErrorContext(s.base, "job quarantined", slog.String(logs.JobID, jobs.UnpackID(e.claim.ID)), slog.String(logs.Error, err.Error()))
		e.finish(jobs.Finish{Outcome: jobs.Exhaust, Error: e.failure("quarantined: "+err.Error(), "")}, s.metrics.of(queue, other).finished[jobs.Exhaust])
		return
	}
	e.envelope = envelope
	kind, label := s.find(envelope.Kind)
	series := s.metrics.of(queue, label)
	if kind == nil {
		e.finish(jobs.Finish{Outcome: jobs.Divert, Lane: envelope.Kind}, series.finished[jobs.Divert])
		return
	}
	job := e.job()
	timeout := time.AfterFunc(envelope.Timeout, func() { e.end(context.DeadlineExceeded) })
	begun := time.Now()
	e.started.Store(begun.UnixNano())
	s.metrics.began(series, envelope, job.Attempt, begun)
	defer func() { // also when the handler ends the goroutine
		timeout.Stop()
		s.metrics.ran(series, time.Since(begun))
		e.conclude(kind, series, job, err)
		e.end(context.Canceled)
	}()
	err = errGoexit
	err = call(jobContext{e.ctx, begun.Add(envelope.Timeout)}, kind.handler, job)
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

// job makes what the handler sees.
func (e *execution) job() *drayhorse.Job[json.RawMessage] {
	job := &drayhorse.Job[json.RawMessage]{
		ID: jobs.UnpackID(e.claim.ID), Kind: e.envelope.Kind, Args: e.envelope.Args,
		Attempt: e.claim.Failed + 1, MaxAttempts: e.envelope.MaxAttempts,
		Queue: e.holding.line.part.Queue, EnqueuedAt: e.envelope.EnqueuedAt, DueAt: e.envelope.DueAt,
		Tick: e.envelope.Tick, Trace: e.envelope.Trace,
	}
	job.Bind(e)
	return job
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
	return &drayhorse.AttemptError{Attempt: e.claim.Failed + 1, At: time.Now(), Message: message, Stack: stack}
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

// jobContext is a handler's context with its deadline. The deadline is kept by a
// timer of the execution, which is cheaper than a context of its own.
type jobContext struct {
	context.Context //nolint:containedctx // this is one

	deadline time.Time
}

// Deadline is when the attempt times out.
func (c jobContext) Deadline() (time.Time, bool) { return c.deadline, true }

// Err tells a timeout from other ends, as contexts with a deadline do.
func (c jobContext) Err() error {
	if err := c.Context.Err(); err == nil || !errors.Is(context.Cause(c.Context), context.DeadlineExceeded) {
		return err
	}
	return context.DeadlineExceeded
}
