package worker_test

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/worker"
)

// TestWorkersShareARegisterer, beside each other and one after the other.
func TestWorkersShareARegisterer(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	run := func(w *worker.Worker) (stop func()) {
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- w.Run(ctx) }()
		return func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	}
	var stops []func()
	newWorker := func() *worker.Worker {
		t.Helper()
		w, err := worker.New(worker.Config{RedisURL: redistest.Shared(t), Namespace: redistest.Namespace(t), Registerer: registry, Concurrency: 3})
		if err != nil {
			t.Fatal(err)
		}
		worker.HandleKind(w, "k", func(context.Context, *rawJob) error { return nil })
		return w
	}
	for range 2 {
		stops = append(stops, run(newWorker()))
	}
	slots := func(want float64) {
		t.Helper()
		redistest.Eventually(t, 5*time.Second, "the slots of all workers that run are counted", func() bool {
			return gauge(t, registry, "drayhorse_worker_concurrency") == want
		})
	}
	slots(6)
	stops[0]()
	slots(3)
	stops[1]()
	slots(0)
	defer run(newWorker())()
	if _, err := registry.Gather(); err != nil {
		t.Error(err)
	}
}
