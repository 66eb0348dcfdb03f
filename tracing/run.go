package tracing

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/drayhorse/drayhorse"
)

// handler is a worker.Handler, without the worker that is linked with it.
type handler interface {
	~func(ctx context.Context, job *drayhorse.Job[json.RawMessage]) error
}

// Middleware makes the spans of waiting and running jobs, for a worker's Use, where
// it should come first: tracing.Middleware[worker.Handler](tracer).
func Middleware[H handler](t *Tracer) func(next H) H {
	return func(next H) H {
		return func(ctx context.Context, job *drayhorse.Job[json.RawMessage]) error {
			return t.run(ctx, job, next)
		}
	}
}

// run runs a handler within a span. A job without a trace begins one.
func (t *Tracer) run(ctx context.Context, job *drayhorse.Job[json.RawMessage], next func(context.Context, *drayhorse.Job[json.RawMessage]) error) error {
	ctx = extract(ctx, job.Trace)
	origin := trace.SpanContextFromContext(ctx)
	options := []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindConsumer)}
	switch {
	case !origin.IsValid():
	case job.Attempt == 1:
		t.waited(ctx, job)
	default:
		options = append(options, trace.WithLinks(trace.Link{SpanContext: origin}))
	}
	ctx, span := t.span(ctx, "run", job.Queue, options...)
	defer span.End() // called by defer itself, it notes a panic and lets it go on
	if !span.IsRecording() {
		return next(ctx, job)
	}
	span.SetAttributes(keyType.String("process"), keyKind.String(job.Kind), keyJobID.String(job.ID), keyAttempt.Int(job.Attempt))
	returned := false
	defer func() {
		if !returned {
			span.SetStatus(codes.Error, "the handler did not return")
		}
	}()
	err := next(ctx, job)
	returned = true
	conclude(span, err)
	return err
}

// waited makes the span of the time between when a job was to run and now.
func (t *Tracer) waited(ctx context.Context, job *drayhorse.Job[json.RawMessage]) {
	now := time.Now()
	since := job.EnqueuedAt
	if job.DueAt.After(since) {
		since = job.DueAt
	}
	if since.After(now) { // the producer's clock is ahead
		since = now
	}
	_, span := t.span(ctx, "wait", job.Queue, trace.WithTimestamp(since))
	span.SetAttributes(keyJobID.String(job.ID))
	span.End(trace.WithTimestamp(now))
}

// conclude notes what the handler returned. Where it sent the job without saying
// that something failed, nothing did.
func conclude(span trace.Span, err error) {
	var steer *drayhorse.Steer
	if errors.As(err, &steer) {
		span.SetAttributes(keySteer.String(string(steer.To)))
		if steer.Err == nil && steer.To != drayhorse.Discarded {
			return
		}
	}
	fail(span, err)
}
