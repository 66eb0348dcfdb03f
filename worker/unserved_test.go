package worker_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/logtest"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/worker"
)

func loggingTo(l *logtest.Buffer) func(*worker.Config) {
	return func(c *worker.Config) { c.Logger = slog.New(slog.NewTextHandler(l, nil)) }
}

func none(context.Context, *drayhorse.Job[json.RawMessage]) error { return nil }

// TestTypoInKind: a kind that nobody serves is said once, and its jobs say that they wait
// for a handler.
func TestTypoInKind(t *testing.T) {
	var log logtest.Buffer
	r := setup(t, loggingTo(&log)).handle("email:send", none)
	r.start()
	var last *drayhorse.Info
	for range 20 {
		last = r.enqueue("email:sned")
	}
	redistest.Eventually(t, 10*time.Second, "the jobs are parked", func() bool { return r.get(last.ID).Parked })
	if info := r.get(last.ID); info.State != drayhorse.Available || info.Attempt != 1 || len(info.Errors) != 0 {
		t.Errorf("%+v, want it available at its first attempt", info)
	}
	r.stop()
	const want = `level=WARN msg="no handler here for this kind: its jobs wait for a worker that has one"`
	if got := log.String(); strings.Count(got, want) != 1 || !strings.Contains(got, "kind=email:sned queue=default handlers=[email:send]") {
		t.Errorf("the log says\n%s", got)
	}
	// A worker with the handler takes them, and they are parked no more.
	r.worker = r.newWorker()
	r.handle("email:sned", none).start()
	redistest.Eventually(t, 10*time.Second, "the job is done", func() bool {
		_, err := r.producer.Get(t.Context(), last.ID)
		return err != nil // it was not to be kept
	})
}

// TestKindsWithoutEnd: names of kinds come from producers, so not all are logged.
func TestKindsWithoutEnd(t *testing.T) {
	var log logtest.Buffer
	r := setup(t, loggingTo(&log)).handle("served", none)
	r.start()
	var last *drayhorse.Info
	for i := range 150 {
		last = r.enqueue(fmt.Sprint("kind-", i))
	}
	redistest.Eventually(t, 10*time.Second, "the jobs are parked", func() bool { return r.get(last.ID).Parked })
	r.stop()
	got := log.String()
	if n := strings.Count(got, "no handler here for this kind"); n != 100 {
		t.Errorf("%d kinds were named, want 100", n)
	}
	if n := strings.Count(got, "more kinds have no handler here"); n != 1 {
		t.Errorf("it was said %d times that there are more, want once", n)
	}
}

// TestAKindAmongManyParkedIsServed: it has the most jobs of hundreds that are parked, so
// that it is the last to be named.
func TestAKindAmongManyParkedIsServed(t *testing.T) {
	r := setup(t).handle("other", none)
	r.start()
	for i := range 300 {
		r.enqueue(fmt.Sprint("kind-", i))
	}
	var mine []string
	for range 50 {
		mine = append(mine, r.enqueue("mine", drayhorse.Retain(time.Hour)).ID)
	}
	redistest.Eventually(t, time.Minute, "the jobs are parked", func() bool { return r.get(mine[len(mine)-1]).Parked })
	r.stop()
	r.worker = r.newWorker()
	r.handle("mine", none).start()
	for _, id := range mine {
		r.becomes(id, drayhorse.Completed, 5*time.Minute)
	}
}

// TestForgotHandlers: a worker that would serve nothing does not run, and may when it has
// a handler.
func TestForgotHandlers(t *testing.T) {
	r := setup(t)
	err := r.worker.Run(t.Context())
	if !errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(err.Error(), "no handlers") {
		t.Errorf("error %v does not say what is missing", err)
	}
	info := r.handle("k", none).enqueue("k", drayhorse.Retain(time.Minute))
	r.start()
	r.becomes(info.ID, drayhorse.Completed)
}
