package metrics_test

import (
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/limits"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// TestLimits: one that lets none start, one that has room, one of each group, and one that queues share.
func TestLimits(t *testing.T) {
	t.Parallel()
	namespace := redistest.Namespace(t)
	r := setupIn(t, redistest.Shared(t), namespace, nil)
	if _, err := r.engine.CreateQueue(t.Context(), "wide", 3); err != nil {
		t.Fatal(err)
	}
	r.enqueue(5)
	r.enqueue(30, drayhorse.Queue("wide"))
	l := limits.New(r.engine, namespace)
	breaker := drayhorse.Breaker{Rate: 0.5, Window: time.Minute, CoolDown: time.Minute}
	for _, limit := range []*drayhorse.Limit{
		{Name: "full", Queue: "default", Concurrency: 2},
		{Name: "rate", Queue: "default", Rate: drayhorse.Rate{Jobs: 1, Per: time.Second, Burst: 50}, Breaker: breaker},
		{Name: "kind", Queue: "default", Kind: "other", Concurrency: 7},
		{Name: "group", Queue: "wide", PerGroup: true, Concurrency: 1},
		{Name: "shared", Kind: "test", Concurrency: 9},
	} {
		if _, err := l.Set(t.Context(), limit, true, "", ""); err != nil {
			t.Fatal(err)
		}
	}
	r.claim("default", 2)
	var got samples
	redistest.Eventually(t, 10*time.Second, "a scrape that Redis answers in a scrape's time", func() bool {
		got = gather(t, r.queues("default", "wide"))
		return len(got) > 0
	})
	for key, want := range (samples{
		"drayhorse_limit_concurrency full default": 2, "drayhorse_limit_running full default": 2,
		"drayhorse_limit_waiting full default": 3, "drayhorse_limit_shut full default": 1,
		"drayhorse_limit_waiting rate default": 3, "drayhorse_limit_shut rate default": 0, "drayhorse_breaker_open rate default": 0,
		"drayhorse_limit_concurrency kind default": 7, "drayhorse_limit_running kind default": 0, "drayhorse_limit_waiting kind default": 0,
		"drayhorse_limit_running shared default": 2, "drayhorse_limit_running shared wide": 0,
	}) {
		if v, there := got[key]; !there || v != want {
			t.Errorf("%s = %v, want %v", key, v, want)
		}
	}
	if sum := got["drayhorse_limit_concurrency shared default"] + got["drayhorse_limit_concurrency shared wide"]; sum != 9 {
		t.Errorf("queues have %v of a limit of 9", sum)
	}
	for _, key := range []string{"drayhorse_limit_waiting group wide", "drayhorse_breaker_open full default", "drayhorse_limit_running rate default"} {
		if _, there := got[key]; there {
			t.Errorf("%s is there", key)
		}
	}
	var all []*jobs.Declared
	redistest.Eventually(t, 10*time.Second, "they are listed", func() bool {
		var err error
		all, err = l.List(t.Context())
		return err == nil
	})
	if len(all) != 5 {
		t.Errorf("%d are listed, want 5", len(all))
	}
	for _, d := range all {
		if d.Name == "full" && (d.Running != 2 || d.Waiting != 3 || !d.Shut || !d.ShutUntil.IsZero()) {
			t.Errorf("got %+v", d)
		}
		if d.Name == "shared" && (d.Running != 2 || d.From != nil) {
			t.Errorf("got %+v", d)
		}
	}
}
