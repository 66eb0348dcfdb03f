package worker

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/drayhorse/drayhorse/internal/jobs"
)

// BellsTogether is for tests from outside.
const BellsTogether = bellsTogether

// WaitsInOneTrip reports whether a fetcher waits at the bells with its turns ready, and no
// listener, which would hear them first.
func (w *Worker) WaitsInOneTrip() bool {
	s := w.current.Load()
	if s == nil {
		return false
	}
	waits := slices.ContainsFunc(*s.nodes.Load(), func(n *node) bool { return n.waiter() != nil && n.waiter().isWaiting() })
	s.bells.mu.Lock()
	defer s.bells.mu.Unlock()
	return waits && !slices.ContainsFunc(s.bells.listeners, func(l *listener) bool { return l.waiting.Load() })
}

// offline makes a session of sources with these weights, none of them claimable, that
// never sees Redis, and a claimer.
func offline(t testing.TB, slots int, weights ...int) (*session, *fetcher) {
	t.Helper()
	w, err := New(Config{Concurrency: slots, Registerer: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.client.Close() })
	s := newSession(context.Background(), w)
	for i, weight := range weights {
		s.supply.append(newSource(s.supply, &jobs.Partition{Queue: fmt.Sprint("q", i)}, weight))
	}
	n := newNode(&s.parts, "", 0, true)
	s.nodes.Store(&[]*node{n})
	return s, n.claimer()
}
