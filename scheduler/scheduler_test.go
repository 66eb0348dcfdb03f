package scheduler

import (
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/embedded/embeddedtest"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// Three replicas, and still each tick of a schedule is one job, that carries the
// nominal time.
func TestEachTickIsOneJob(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]func(*testing.T) string{
		"single":   func(t *testing.T) string { return redistest.Shared(t) },
		"cluster":  func(t *testing.T) string { return redistest.SharedCluster(t) },
		"embedded": func(t *testing.T) string { return embeddedtest.URL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachTickIsOneJob(t, setupAt(t, url(t)))
		})
	}
}

func eachTickIsOneJob(t *testing.T, r *rig) {
	t.Helper()
	for range 3 {
		r.run(r.scheduler([]Schedule{{ID: "beat", Every: time.Second, Args: raw("beat"), CatchUp: CatchUpAll}}))
	}
	redistest.Eventually(t, patience, "three ticks", func() bool { return len(r.ticks("beat")) >= 3 })
	ticks := r.ticks("beat")
	for i, tick := range ticks {
		if i > 0 && tick.Sub(ticks[i-1]) != time.Second {
			t.Errorf("ticks %v, want each second once", ticks)
		}
	}
	id := r.ids(drayhorse.DefaultQueue)[0]
	partitions, _ := r.engine.Queue(t.Context(), "default")
	info, err := partitions[0].Get(t.Context(), id)
	if err != nil || !info.Tick.Equal(ticks[0]) || info.Kind != "beat" || string(info.Args) != `{"n":1}` {
		t.Errorf("info = %+v, %v; want tick %v", info, err, ticks[0])
	}
	events, err := r.store.History(t.Context(), r.engine, "beat")
	if err != nil || len(events) == 0 || events[len(events)-1].JobID != id || events[len(events)-1].State != drayhorse.Available {
		t.Errorf("history = %+v, %v; want job %s first", events, err, id)
	}
}
