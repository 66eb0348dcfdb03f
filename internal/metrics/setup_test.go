package metrics_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	client "github.com/prometheus/client_model/go"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/metrics"
	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// rig is an engine and a producer in a namespace of their own.
type rig struct {
	*testing.T
	*producer.Producer
	engine *jobs.Engine
}

func setup(t *testing.T, url string, counted producer.Metrics) *rig {
	t.Helper()
	return setupIn(t, url, redistest.Namespace(t), counted)
}

func setupIn(t *testing.T, url, namespace string, counted producer.Metrics) *rig {
	t.Helper()
	c, err := redis.Open(redis.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	p, err := producer.New(producer.Config{RedisURL: url, Namespace: namespace, Metrics: counted})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = c.Close(), p.Close() })
	return &rig{t, p, jobs.New(c, namespace)}
}

func (r *rig) enqueue(n int, options ...drayhorse.Option) {
	r.Helper()
	for n > 0 {
		specs := make([]drayhorse.Spec, min(n, producer.MaxMany))
		for i := range specs {
			specs[i] = drayhorse.Spec{Args: drayhorse.Raw("test", json.RawMessage(`{"n":1}`)), Options: options}
		}
		if _, err := r.EnqueueMany(r.Context(), specs); err != nil {
			r.Fatal(err)
		}
		n -= len(specs)
	}
}

// queues gives a registry with the metrics of queues that have not been read yet.
func (r *rig) queues(names ...string) *prometheus.Registry {
	r.Helper()
	registry := prometheus.NewRegistry()
	q, err := metrics.NewQueues(registry)
	if err != nil {
		r.Fatal(err)
	}
	q.Add(r.engine, slog.New(slog.DiscardHandler), metrics.Existing(r.engine, names))
	return registry
}

// samples are the values of a registry, by name and labels.
type samples map[string]float64

func gather(t *testing.T, g prometheus.Gatherer) samples {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := samples{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			key := f.GetName()
			for _, l := range m.GetLabel() {
				key += " " + l.GetValue()
			}
			all[key] = value(m)
		}
	}
	return all
}

// value is that of a counter or a gauge, or the count of a histogram.
func value(m *client.Metric) float64 {
	switch {
	case m.GetCounter() != nil:
		return m.GetCounter().GetValue()
	case m.GetHistogram() != nil:
		return float64(m.GetHistogram().GetSampleCount())
	}
	return m.GetGauge().GetValue()
}

// claim runs one turn that claims jobs.
func (r *rig) claim(queue string, want int) (*jobs.Lease, []jobs.Claim) {
	r.Helper()
	partitions, err := r.engine.Queue(context.Background(), queue)
	if err != nil {
		r.Fatal(err)
	}
	lease := jobs.NewLease(partitions[0], "somebody")
	reply := r.engine.RunTurns(r.Context(), &jobs.Turn{Lease: lease, Want: want})[0]
	if reply.Err != nil || len(reply.Claims) != want {
		r.Fatal(reply)
	}
	return lease, reply.Claims
}

// park sets jobs aside, as a worker does that has no handler for their kind.
func (r *rig) park(queue string, n int) {
	r.Helper()
	lease, claims := r.claim(queue, n)
	turn := &jobs.Turn{Lease: lease}
	for _, c := range claims {
		turn.Finishes = append(turn.Finishes, jobs.Finish{ID: c.ID, Seq: c.Seq, Outcome: jobs.Divert, Lane: "nobody"})
	}
	if reply := r.engine.RunTurns(r.Context(), turn)[0]; reply.Err != nil {
		r.Fatal(reply)
	}
}
