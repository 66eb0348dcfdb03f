package worker_test

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/worker"
)

// TestStuckHandlerIsReportedAndKeepsItsJob has a handler that ignores the end of its
// context: it is reported, and the job is not run a second time beside it.
func TestStuckHandlerIsReportedAndKeepsItsJob(t *testing.T) {
	registry := prometheus.NewRegistry()
	r := setup(t, func(c *worker.Config) { c.Registerer, c.Concurrency = registry, 2 })
	runs, release := make(chan struct{}, 2), make(chan struct{})
	r.handle("test", func(context.Context, *rawJob) error {
		runs <- struct{}{}
		<-release
		return nil
	}).start()
	id := r.enqueue("test", keep, drayhorse.Timeout(10*time.Millisecond)).ID
	redistest.Eventually(t, 15*time.Second, "the handler is reported as stuck", func() bool {
		return gauge(t, registry, "drayhorse_worker_stuck") == 1
	})
	if info := r.get(id); info.State != drayhorse.Running || len(runs) != 1 {
		t.Errorf("info = %+v after %d runs, want the one run to keep it", info, len(runs))
	}
	close(release)
	r.becomes(id, drayhorse.Completed)
	redistest.Eventually(t, 5*time.Second, "it is not stuck any more", func() bool {
		return gauge(t, registry, "drayhorse_worker_stuck") == 0
	})
}

func gauge(t *testing.T, registry *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}
