package worker_test

import (
	"context"
	"maps"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/worker"
)

// TestFinishesAreCounted by what became of the job, and no other way.
func TestFinishesAreCounted(t *testing.T) {
	registry := prometheus.NewRegistry()
	r := setup(t, func(c *worker.Config) { c.Registerer = registry })
	r.handle("fine", func(context.Context, *rawJob) error { return nil })
	r.handle("bad", func(context.Context, *rawJob) error { return drayhorse.Discard(nil) }).start()
	r.becomes(r.enqueue("fine", keep).ID, drayhorse.Completed)
	r.becomes(r.enqueue("bad", keep).ID, drayhorse.Discarded)
	r.stop()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		if f.GetName() != "drayhorse_jobs_finished_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			if n := m.GetCounter().GetValue(); n != 0 {
				label := m.GetLabel() // kind, outcome, queue
				got[label[0].GetValue()+" "+label[1].GetValue()] = n
			}
		}
	}
	if want := map[string]float64{"fine completed": 1, "bad discarded": 1}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
