package tracing

import (
	"context"

	"go.opentelemetry.io/otel/trace"

	"github.com/drayhorse/drayhorse"
)

var _ drayhorse.Tracer = (*Tracer)(nil)

// Enqueue begins the span of a call that stores jobs, all of which carry its
// context.
func (t *Tracer) Enqueue(ctx context.Context, batch drayhorse.Batch) (drayhorse.Trace, func([]*drayhorse.Info, error)) {
	ctx, span := t.span(ctx, "enqueue", batch.Queue, trace.WithSpanKind(trace.SpanKindProducer))
	span.SetAttributes(keyType.String("send"))
	if batch.Kind != "" {
		span.SetAttributes(keyKind.String(batch.Kind))
	}
	if batch.Jobs > 1 {
		span.SetAttributes(keyJobs.Int(batch.Jobs))
	}
	return inject(ctx), func(infos []*drayhorse.Info, err error) {
		if len(infos) == 1 && infos[0] != nil {
			span.SetAttributes(keyJobID.String(infos[0].ID), keyDuplicate.Bool(infos[0].Duplicate))
		}
		fail(span, err)
		span.End()
	}
}
