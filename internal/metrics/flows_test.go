package metrics_test

import (
	"log/slog"
	"maps"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/flows"
	"github.com/drayhorse/drayhorse/internal/metrics"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// TestFlowsAreMeasured: nothing of a namespace without flows; then those that live, that are overdue, and how others
// have ended, once however many workers of the process tell of them.
func TestFlowsAreMeasured(t *testing.T) {
	t.Parallel()
	url, namespace := redistest.Shared(t), redistest.Namespace(t)
	r := setupIn(t, url, namespace, nil)
	store := flows.New(r.engine, namespace)
	read := func() samples {
		t.Helper()
		registry := prometheus.NewRegistry()
		f, err := metrics.NewFlows(registry)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			f.Add(store, namespace, slog.New(slog.DiscardHandler))
		}
		return gather(t, registry)
	}
	if got := read(); len(got) > 0 {
		t.Errorf("without flows: %v", got)
	}
	batch := func(id string, queues ...string) *flow.Info {
		b, err := r.NewBatch(t.Context(), flow.Batch{ID: id})
		if err != nil {
			t.Fatal(err)
		}
		for _, queue := range queues {
			if _, err := b.Add(t.Context(), drayhorse.Spec{Args: drayhorse.Raw("k", nil), Options: []drayhorse.Option{drayhorse.Queue(queue)}}); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		info, err := r.Flow(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	batch("empty")
	batch("empty-too")
	batch("waits", "q")
	late := batch("late", "q")
	stopped := batch("stopped", "q")
	if err := r.CancelFlow(t.Context(), stopped.ID); err != nil {
		t.Fatal(err)
	}
	if err := store.Drain(t.Context(), stopped.ID); err != nil {
		t.Fatal(err)
	}
	overdue(t, url, namespace, late.ID)
	want := samples{
		"drayhorse_flows_living": 2, "drayhorse_flows_overdue": 1, "drayhorse_flow_messages": 0,
		"drayhorse_flows_ended_total completed": 2, "drayhorse_flows_ended_total failed": 0, "drayhorse_flows_ended_total cancelled": 1,
	}
	redistest.Eventually(t, 20*time.Second, "all that is told is done", func() bool { return maps.Equal(read(), want) })
}

// overdue has the time of a flow come a minute ago.
func overdue(t *testing.T, url, namespace, id string) {
	t.Helper()
	options, err := goredis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	client := goredis.NewClient(options)
	defer client.Close()
	shards, err := client.Keys(t.Context(), namespace+":{@flow/*}:timers").Result()
	if err != nil {
		t.Fatal(err)
	}
	moved := int64(0)
	for _, timers := range shards {
		n, err := client.ZAddArgs(t.Context(), timers, goredis.ZAddArgs{
			XX: true, Ch: true, Members: []goredis.Z{{Score: float64(time.Now().Add(-time.Minute).UnixMilli()), Member: id}},
		}).Result()
		if err != nil {
			t.Fatal(err)
		}
		moved += n
	}
	if moved != 1 {
		t.Fatalf("%d timers of %s were moved", moved, id)
	}
}
