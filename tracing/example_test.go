package tracing_test

import (
	"context"
	"fmt"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/embedded"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/tracing"
	"github.com/drayhorse/drayhorse/worker"
)

// Mail is the arguments of a job.
type Mail struct {
	To string `json:"to"`
}

func (Mail) Kind() string { return "mail" }

// One trace, from the enqueue to the end of the run.
func ExampleNew() {
	server, err := embedded.Start("") // an application has a Redis
	if err != nil {
		panic(err)
	}
	defer server.Close()
	spans := tracetest.NewInMemoryExporter() // and an exporter
	tracer := tracing.New(sdk.NewTracerProvider(sdk.WithSyncer(spans)))

	p, err := producer.New(producer.Config{RedisURL: server.URL(), Tracer: tracer})
	if err != nil {
		panic(err)
	}
	defer p.Close()
	w, err := worker.New(worker.Config{RedisURL: server.URL()})
	if err != nil {
		panic(err)
	}
	w.Use(tracing.Middleware[worker.Handler](tracer))
	ctx, stop := context.WithCancel(context.Background())
	worker.Handle(w, func(context.Context, *drayhorse.Job[Mail]) error { stop(); return nil })
	if _, err := p.Enqueue(ctx, Mail{"ada@example.org"}); err != nil {
		panic(err)
	}
	if err := w.Run(ctx); err != nil {
		panic(err)
	}
	for _, s := range spans.GetSpans() {
		fmt.Println(s.Name, s.SpanContext.TraceID() == spans.GetSpans()[0].SpanContext.TraceID())
	}
	// Output:
	// enqueue default true
	// wait default true
	// run default true
}
