package worker

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/drayhorse/drayhorse/internal/jobs"
)

// TestCountingAllocatesNothing: it is on the way of every job.
func TestCountingAllocatesNothing(t *testing.T) {
	m, err := newInstruments(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	e, now := &jobs.Envelope{EnqueuedAt: time.Now()}, time.Now()
	m.redis.Ran("turn", time.Millisecond) // the first one does
	m.of("default", "test")
	if n := testing.AllocsPerRun(1000, func() {
		s := m.of("default", "test")
		m.began(s, e, 1, now)
		m.ran(s, time.Millisecond)
		s.finished[jobs.Complete].Inc()
		m.redis.Ran("turn", time.Millisecond)
	}); n != 0 {
		t.Errorf("a job makes %v allocations", n)
	}
}
