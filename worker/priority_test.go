package worker_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/worker"
)

// TestUrgentJobsPassABacklog: two workers are at a backlog of low priority when urgent jobs come.
// What the workers hold already goes first, the backlog does not, and none of it is lost.
func TestUrgentJobsPassABacklog(t *testing.T) {
	const backlog, urgents, before = 1000, 10, 50
	two := func(c *worker.Config) { c.Concurrency = 2 }
	r := setup(t, two)
	other := r.newWorker(two)
	proceed := make(chan struct{}, before+backlog+urgents)
	var mu sync.Mutex
	began := map[string]int{}
	last := 0 // how many of the backlog had begun when the last urgent job did
	for _, w := range []*worker.Worker{r.worker, other} {
		worker.HandleKind(w, "low", func(context.Context, *rawJob) error {
			mu.Lock()
			began["low"]++
			mu.Unlock()
			<-proceed
			return nil
		})
		worker.HandleKind(w, "urgent", func(context.Context, *rawJob) error {
			mu.Lock()
			defer mu.Unlock()
			began["urgent"]++
			last = began["low"]
			return nil
		})
	}
	count := func(kind string) int {
		mu.Lock()
		defer mu.Unlock()
		return began[kind]
	}
	for range backlog {
		r.enqueue("low", drayhorse.Priority(drayhorse.Low))
	}
	r.start()
	run(t, other)
	for range before {
		proceed <- struct{}{}
	}
	redistest.Eventually(t, time.Minute, "the workers are busy", func() bool { return count("low") >= before })
	for range urgents {
		r.enqueue("urgent", drayhorse.Priority(drayhorse.Urgent))
	}
	for range backlog {
		proceed <- struct{}{}
	}
	redistest.Eventually(t, time.Minute, "all have run", func() bool { return count("low") == backlog && count("urgent") == urgents })
	if last > backlog/2 {
		t.Errorf("the last urgent job began after %d of %d; want it to pass the backlog", last, backlog)
	}
	t.Logf("the last urgent job began after %d of %d, of which %d had begun when it came", last, backlog, before)
}
