package tracing_test

import (
	"context"
	"encoding/json"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/scheduler"
	"github.com/drayhorse/drayhorse/tracing"
	"github.com/drayhorse/drayhorse/worker"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// rig is a producer and a worker that is about to run, whose spans are kept.
type rig struct {
	*testing.T
	url, namespace string

	spans    *tracetest.InMemoryExporter
	provider *sdk.TracerProvider
	producer *producer.Producer
	worker   *worker.Worker
}

type rawJob = drayhorse.Job[json.RawMessage]

func setup(t *testing.T) *rig {
	t.Helper()
	t.Parallel()
	r := &rig{T: t, url: redistest.Shared(t), namespace: redistest.Namespace(t), spans: tracetest.NewInMemoryExporter()}
	r.provider = sdk.NewTracerProvider(sdk.WithSyncer(r.spans))
	tracer := tracing.New(r.provider)
	p, err := producer.New(producer.Config{RedisURL: r.url, Namespace: r.namespace, Tracer: tracer})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	w, err := worker.New(worker.Config{RedisURL: r.url, Namespace: r.namespace, Retry: worker.Constant(0)})
	if err != nil {
		t.Fatal(err)
	}
	w.Use(tracing.Middleware[worker.Handler](tracer))
	r.producer, r.worker = p, w
	return r
}

// handle registers a handler and starts the worker.
func (r *rig) handle(handler worker.Handler) {
	worker.HandleKind(r.worker, "test", handler)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.worker.Run(ctx) }()
	r.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			r.Error(err)
		}
	})
}

// named waits for n spans of a name, and gives them in the order of their ends.
func (r *rig) named(name string, n int) []tracetest.SpanStub {
	r.Helper()
	var found []tracetest.SpanStub
	redistest.Eventually(r.T, 30*time.Second, name, func() bool {
		found = slices.DeleteFunc(r.spans.GetSpans(), func(s tracetest.SpanStub) bool { return s.Name != name })
		return len(found) >= n
	})
	if len(found) != n {
		r.Fatalf("%d spans %q, want %d", len(found), name, n)
	}
	return found
}

func attr(s *tracetest.SpanStub, key string) any {
	for _, a := range s.Attributes {
		if a.Key == attribute.Key(key) {
			return a.Value.AsInterface()
		}
	}
	return nil
}

// TestOneTraceFromEnqueueToEveryRun: the span of the caller, of the enqueue, of the
// wait and of both attempts.
func TestOneTraceFromEnqueueToEveryRun(t *testing.T) {
	r := setup(t)
	inner := make(chan trace.SpanContext, 2)
	r.handle(func(ctx context.Context, job *rawJob) error {
		inner <- trace.SpanContextFromContext(ctx)
		if job.Attempt == 1 {
			return errors.New("boom")
		}
		return nil
	})
	ctx, caller := r.provider.Tracer("test").Start(t.Context(), "caller")
	info, err := r.producer.EnqueueRaw(ctx, "test", nil, drayhorse.In(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	caller.End()

	runs := r.named("run default", 2)
	enqueue, wait := r.named("enqueue default", 1)[0], r.named("wait default", 1)[0]
	for _, s := range append(runs, enqueue, wait) {
		if s.SpanContext.TraceID() != caller.SpanContext().TraceID() {
			t.Errorf("%s is in trace %s, want %s", s.Name, s.SpanContext.TraceID(), caller.SpanContext().TraceID())
		}
		if id := attr(&s, "messaging.message.id"); id != info.ID {
			t.Errorf("%s is of job %v, want %s", s.Name, id, info.ID)
		}
	}
	if enqueue.Parent.SpanID() != caller.SpanContext().SpanID() || enqueue.SpanKind != trace.SpanKindProducer {
		t.Errorf("enqueue: %+v", enqueue)
	}
	for _, s := range append(runs, wait) {
		if s.Parent.SpanID() != enqueue.SpanContext.SpanID() || !s.Parent.IsRemote() {
			t.Errorf("%s is a child of %s, want %s of elsewhere", s.Name, s.Parent.SpanID(), enqueue.SpanContext.SpanID())
		}
	}
	// Redis counts from when it last looked at its clock.
	due := enqueue.StartTime.Add(time.Second)
	if wait.StartTime.Before(due.Add(-200*time.Millisecond)) || wait.EndTime.After(runs[0].StartTime) {
		t.Errorf("waited from %v to %v; was due at %v and ran at %v", wait.StartTime, wait.EndTime, due, runs[0].StartTime)
	}
	for i, s := range runs {
		if s.SpanKind != trace.SpanKindConsumer || attr(&s, "drayhorse.attempt") != int64(i+1) || attr(&s, "drayhorse.kind") != "test" {
			t.Errorf("run %d: %+v", i+1, s)
		}
		if in := <-inner; in.SpanID() != s.SpanContext.SpanID() {
			t.Errorf("run %d: the handler saw span %s, want %s", i+1, in.SpanID(), s.SpanContext.SpanID())
		}
	}
	if first := runs[0]; first.Status.Code != codes.Error || first.Status.Description != "boom" || len(first.Links) != 0 {
		t.Errorf("the attempt that failed: %+v", first)
	}
	second := runs[1]
	if second.Status.Code != codes.Unset || len(second.Links) != 1 || !second.Links[0].SpanContext.Equal(enqueue.SpanContext.WithRemote(true)) {
		t.Errorf("the second attempt: %+v, want a link to %s", second, enqueue.SpanContext.SpanID())
	}
}

func TestBatchIsOneSpan(t *testing.T) {
	r := setup(t)
	r.handle(func(context.Context, *rawJob) error { return nil })
	infos, err := r.producer.EnqueueMany(t.Context(), []drayhorse.Spec{
		{Args: drayhorse.Raw("test", nil)}, {Args: drayhorse.Raw("test", nil)}, {Args: drayhorse.Raw("else", nil), Options: []drayhorse.Option{drayhorse.Queue("q")}},
	})
	if err != nil || len(infos) != 3 {
		t.Fatal(infos, err)
	}
	batch := r.named("enqueue", 1)[0]
	if attr(&batch, "messaging.batch.message_count") != int64(3) || attr(&batch, "messaging.destination.name") != nil || attr(&batch, "drayhorse.kind") != nil {
		t.Errorf("batch: %+v", batch)
	}
	for _, s := range r.named("run default", 2) {
		if s.Parent.SpanID() != batch.SpanContext.SpanID() {
			t.Errorf("run: %+v", s)
		}
	}
}

func TestSpansSayHowJobsEnd(t *testing.T) {
	for name, c := range map[string]struct {
		handler worker.Handler
		status  sdk.Status
		steer   any
	}{
		"fine":    {func(context.Context, *rawJob) error { return nil }, sdk.Status{}, nil},
		"discard": {func(context.Context, *rawJob) error { return drayhorse.Discard(errors.New("no use")) }, sdk.Status{Code: codes.Error, Description: "no use"}, "discarded"},
		"cancel":  {func(context.Context, *rawJob) error { return drayhorse.Cancel(nil) }, sdk.Status{}, "cancelled"},
		"panic":   {func(context.Context, *rawJob) error { panic("ouch") }, sdk.Status{Code: codes.Error, Description: "the handler did not return"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := setup(t)
			r.handle(c.handler)
			if _, err := r.producer.EnqueueRaw(t.Context(), "test", nil, drayhorse.MaxAttempts(1)); err != nil {
				t.Fatal(err)
			}
			span := r.named("run default", 1)[0]
			if span.Status != c.status || attr(&span, "drayhorse.steered_to") != c.steer {
				t.Errorf("%+v", span)
			}
			if name == "panic" && (len(span.Events) != 1 || span.Events[0].Name != "exception") {
				t.Errorf("events of a panic: %+v", span.Events)
			}
		})
	}
}

func TestFailedEnqueue(t *testing.T) {
	r := setup(t)
	if err := r.producer.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.producer.EnqueueRaw(t.Context(), "test", nil); !errors.Is(err, drayhorse.ErrClosed) {
		t.Fatal(err)
	}
	if span := r.named("enqueue default", 1)[0]; span.Status.Code != codes.Error {
		t.Errorf("%+v", span)
	}
}

// TestTicksBeginTraces: each one of its own.
func TestTicksBeginTraces(t *testing.T) {
	r := setup(t)
	r.handle(func(context.Context, *rawJob) error { return nil })
	s, err := scheduler.New(scheduler.Config{RedisURL: r.url, Namespace: r.namespace, Tracer: tracing.New(r.provider)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Add(scheduler.Schedule{ID: "beat", Every: time.Second, Args: drayhorse.Raw("test", nil)}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	redistest.Eventually(t, 30*time.Second, "two ticks run", func() bool {
		return len(slices.DeleteFunc(r.spans.GetSpans(), func(s tracetest.SpanStub) bool { return s.Name != "run default" })) >= 2
	})
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	traces := map[trace.TraceID]string{}
	for _, s := range r.spans.GetSpans() {
		if s.Name == "enqueue default" {
			id, _ := attr(&s, "messaging.message.id").(string)
			traces[s.SpanContext.TraceID()] = id
		}
	}
	for _, s := range r.spans.GetSpans() {
		if s.Name == "run default" && traces[s.SpanContext.TraceID()] != attr(&s, "messaging.message.id") {
			t.Errorf("%+v is in none of %v", s, traces)
		}
	}
	if len(traces) < 2 {
		t.Errorf("%d traces, want one a tick", len(traces))
	}
}

// TestUntracedJobsBeginTraces: of another producer, or from before.
func TestUntracedJobsBeginTraces(t *testing.T) {
	r := setup(t)
	seen := make(chan drayhorse.Trace, 1)
	run := tracing.Middleware[worker.Handler](tracing.New(r.provider))(func(_ context.Context, job *rawJob) error {
		seen <- job.Trace
		return nil
	})
	elsewhere, other := r.provider.Tracer("test").Start(t.Context(), "of the worker itself")
	defer other.End()
	if err := run(elsewhere, &rawJob{ID: "1", Queue: "default", Kind: "test", Attempt: 2}); err != nil || (<-seen != drayhorse.Trace{}) {
		t.Fatal(err)
	}
	if span := r.named("run default", 1)[0]; span.Parent.IsValid() || len(span.Links) != 0 {
		t.Errorf("%+v", span)
	}
}

// TestOnlyTracingLinksOpenTelemetry: who does not trace pays nothing, and who does
// pays for no more.
func TestOnlyTracingLinksOpenTelemetry(t *testing.T) {
	t.Parallel()
	const module = "github.com/drayhorse/drayhorse/"
	for _, c := range []struct{ packages, unwanted string }{
		{"producer worker scheduler admin", "go.opentelemetry.io"},
		{"tracing", module + "worker"},
		{"tracing", "prometheus"},
		{"tracing", "go.opentelemetry.io/otel/sdk"},
	} {
		for name := range strings.FieldsSeq(c.packages) {
			out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", module+name).Output()
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(out), c.unwanted) {
				t.Errorf("%s links %s", name, c.unwanted)
			}
		}
	}
}
