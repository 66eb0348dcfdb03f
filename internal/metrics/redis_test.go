package metrics_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/metrics"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// counts reads the calls and microseconds of a line of INFO commandstats.
func counts(t *testing.T, fields string) (calls, usec int) {
	t.Helper()
	if _, err := fmt.Sscanf(strings.ReplaceAll(fields, ",", " "), "calls=%d usec=%d", &calls, &usec); err != nil {
		t.Errorf("%q: %v", fields, err)
	}
	return calls, usec
}

// TestProducerCounts compares its metrics with what it did.
func TestProducerCounts(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	counted, err := metrics.NewProducer(registry)
	if err != nil {
		t.Fatal(err)
	}
	r := setup(t, redistest.Shared(t), counted)
	for range 2 { // the second is a duplicate
		if _, err := r.EnqueueRaw(t.Context(), "test", nil, drayhorse.ID("one")); err != nil {
			t.Fatal(err)
		}
	}
	r.enqueue(2500, drayhorse.Queue("mail"))
	if _, err := r.EnqueueRaw(t.Context(), "test", nil, drayhorse.MaxAttempts(0)); err == nil {
		t.Fatal("an impossible job was taken")
	}
	got := gather(t, registry)
	for key, want := range (samples{
		"drayhorse_jobs_enqueued_total default": 1, "drayhorse_jobs_enqueued_total mail": 2500, "drayhorse_enqueue_seconds": 3,
		"drayhorse_script_seconds enqueue":  2, // with an ID
		"drayhorse_script_seconds push":     3, // of at most 1000 jobs
		"drayhorse_redis_errors_total lost": 0, "drayhorse_redis_pool_waits_total": 0, "drayhorse_redis_pool_timeouts_total": 0,
	}) {
		if v, there := got[key]; !there || v != want {
			t.Errorf("%s = %v, want %v", key, v, want)
		}
	}
	redistest.Eventually(t, time.Second, "the connections are idle", func() bool { // one that was dialled and not needed becomes so
		got := gather(t, registry)
		used, there := got["drayhorse_redis_pool_connections used"]
		return there && used == 0 && got["drayhorse_redis_pool_connections idle"] >= 1 && got["drayhorse_redis_pool_connections blocking"] == 0
	})
}

// TestQueueNamesAreBounded: producers choose them.
func TestQueueNamesAreBounded(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	counted, err := metrics.NewProducer(registry)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1200 {
		counted.Enqueued(fmt.Sprintf("queue-%d", i), 1)
	}
	counted.Enqueued("queue-0", 1)
	got := gather(t, registry)
	if got["drayhorse_jobs_enqueued_total other"] != 200 || got["drayhorse_jobs_enqueued_total queue-0"] != 2 {
		t.Errorf("got %v", got)
	}
}

// TestPartsOfAProcessShare: a worker and a scheduler with one registerer.
func TestPartsOfAProcessShare(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	first, err := metrics.NewRedis(registry)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := metrics.NewRedis(registry); err != nil || second != first {
		t.Errorf("%p, %v; want %p", second, err, first)
	}
	if none, err := metrics.NewRedis(nil); err != nil || none == first {
		t.Errorf("without a registerer: %p, %v", none, err)
	}
	for range 2 {
		p, err := metrics.NewProducer(registry)
		if err != nil {
			t.Fatal(err)
		}
		p.Enqueued("mail", 1)
	}
	if got := gather(t, registry)["drayhorse_jobs_enqueued_total mail"]; got != 2 {
		t.Errorf("two producers have counted %v jobs of one each", got)
	}
}
