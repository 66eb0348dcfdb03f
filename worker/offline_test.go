package worker

import (
	"context"
	"fmt"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/drayhorse/drayhorse/internal/jobs"
)

// BellsTogether is for tests from outside.
const BellsTogether = bellsTogether

// offline makes a session of lines with these weights, none of them hot, that never
// sees Redis, and its first fetcher.
func offline(t testing.TB, slots int, weights ...int) (*session, *fetcher) {
	t.Helper()
	w, err := New(Config{Concurrency: slots, Registerer: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.client.Close() })
	s := &session{
		Worker: w, base: context.Background(), work: make(chan struct{}, 1), closing: make(chan struct{}),
		freed: make(chan struct{}, 1), deadlines: newDeadlines(), executors: newExecutors(0, nil),
	}
	s.slots.give(slots)
	for i, weight := range weights {
		l := newLine(s, &jobs.Partition{Queue: fmt.Sprint("q", i)}, weight)
		l.tier = s.hot.tier(weight)
		s.lines = append(s.lines, l)
	}
	return s, newFetcher(s, 0)
}
