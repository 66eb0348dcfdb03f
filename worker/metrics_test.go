package worker_test

import (
	"context"
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/worker"
)

// TestMetricsAreDocumented holds docs/metrics.md and what a worker exports together.
func TestMetricsAreDocumented(t *testing.T) {
	registry := prometheus.NewRegistry()
	r := setup(t, func(c *worker.Config) { c.Registerer = registry })
	r.handle("test", func(context.Context, *rawJob) error { return nil }).start()
	r.becomes(r.enqueue("test", keep).ID, drayhorse.Completed)
	r.stop()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var exported []string
	for _, f := range families {
		exported = append(exported, f.GetName())
		if f.GetName() == "drayhorse_jobs_finished_total" {
			completed := 0.0
			for _, m := range f.GetMetric() {
				for _, l := range m.GetLabel() {
					if l.GetName() == "outcome" && l.GetValue() == "completed" {
						completed += m.GetCounter().GetValue()
					}
				}
			}
			if completed != 1 {
				t.Errorf("completed = %v, want 1", completed)
			}
		}
	}
	text, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range exported {
		if !slices.Contains(documented(text), name) {
			t.Errorf("%s is not in docs/metrics.md", name)
		}
	}
	for _, name := range documented(text) {
		if regexp.MustCompile(`^drayhorse_(job|worker|redis)`).MatchString(name) && !slices.Contains(exported, name) {
			t.Errorf("docs/metrics.md names %s, which no worker exports", name)
		}
	}
}

func documented(text []byte) []string {
	var names []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(drayhorse_[a-z_]+)`").FindAllSubmatch(text, -1) {
		names = append(names, string(m[1]))
	}
	return names
}
