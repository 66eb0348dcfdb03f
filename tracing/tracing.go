// Package tracing follows jobs with OpenTelemetry, from the program that enqueues
// them to the handlers that run them: a span for each call that enqueues, one for
// the time that a job waits, and one for each run of its handler, all in one trace.
//
//	tracer := tracing.New(nil) // the global TracerProvider
//	p, err := producer.New(producer.Config{Tracer: tracer})
//	s, err := scheduler.New(scheduler.Config{Tracer: tracer})
//	w.Use(tracing.Middleware[worker.Handler](tracer))
//
// The trace context travels inside the job. No other package of this module links
// OpenTelemetry, and this one links none of them: who does not import it pays
// nothing.
//
// The spans follow the semantic conventions for messaging. The span of a run is a
// child of the span that enqueued the job, for every attempt; from the second one on
// it is linked to that span, too, because what came between them, the earlier
// attempts, ran in other processes whose spans nobody here knows.
package tracing

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/drayhorse/drayhorse"
)

// scope names the spans' origin.
const scope = "github.com/drayhorse/drayhorse/tracing"

// The attributes of spans.
const (
	keySystem    = attribute.Key("messaging.system")
	keyOperation = attribute.Key("messaging.operation.name")
	keyType      = attribute.Key("messaging.operation.type")
	keyQueue     = attribute.Key("messaging.destination.name")
	keyJobID     = attribute.Key("messaging.message.id")
	keyJobs      = attribute.Key("messaging.batch.message_count")
	keyError     = attribute.Key("error.type")
	keyKind      = attribute.Key("drayhorse.kind")
	keyAttempt   = attribute.Key("drayhorse.attempt")
	keyDuplicate = attribute.Key("drayhorse.duplicate")
	keySteer     = attribute.Key("drayhorse.steered_to") // where the handler sent the job
)

// Tracer makes the spans. It is a drayhorse.Tracer.
type Tracer struct{ tracer trace.Tracer }

// New makes a Tracer whose spans go to provider; nil: to the global one.
func New(provider trace.TracerProvider) *Tracer {
	if provider == nil {
		provider = otel.GetTracerProvider()
	}
	return &Tracer{provider.Tracer(scope)}
}

// span begins a span of an operation on a queue; "" stands for several.
func (t *Tracer) span(ctx context.Context, operation, queue string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	name := operation
	attributes := []attribute.KeyValue{keySystem.String("drayhorse"), keyOperation.String(operation)}
	if queue != "" {
		name += " " + queue
		attributes = append(attributes, keyQueue.String(queue))
	}
	return t.tracer.Start(ctx, name, append(options, trace.WithAttributes(attributes...))...)
}

// fail notes an error, if there is one, on a span.
func fail(span trace.Span, err error) {
	if err == nil {
		return
	}
	span.SetAttributes(keyError.String(fmt.Sprintf("%T", err)))
	span.RecordError(err)
	span.SetStatus(codes.Error, err.Error())
}

// carried reads and writes a trace as propagation.TraceContext does.
type carried struct{ *drayhorse.Trace }

func (c carried) field(name string) *string {
	switch name {
	case "traceparent":
		return &c.Parent
	case "tracestate":
		return &c.State
	}
	return new(string)
}

func (c carried) Get(name string) string { return *c.field(name) }
func (c carried) Set(name, value string) { *c.field(name) = value }
func (carried) Keys() []string           { return []string{"traceparent", "tracestate"} }

// inject gives the trace of the span in ctx.
func inject(ctx context.Context) drayhorse.Trace {
	var t drayhorse.Trace
	propagation.TraceContext{}.Inject(ctx, carried{&t})
	return t
}

// extract puts the span that enqueued a job into ctx, in place of any other.
func extract(ctx context.Context, t drayhorse.Trace) context.Context {
	ctx = trace.ContextWithSpanContext(ctx, trace.SpanContext{})
	return propagation.TraceContext{}.Extract(ctx, carried{&t})
}
