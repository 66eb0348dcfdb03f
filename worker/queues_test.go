package worker_test

import (
	"context"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/worker"
)

// newProducer is one more producer, which knows nothing yet.
func (r *rig) newProducer() *producer.Producer {
	r.Helper()
	p, err := producer.New(producer.Config{RedisURL: r.url, Namespace: r.namespace})
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { _ = p.Close() })
	return p
}

// TestAWorkerFollowsItsQueues: one that has grown, because another process knew of more
// partitions, and one that was deleted and made anew with more.
func TestAWorkerFollowsItsQueues(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	r := setupAt(t, server.URL, func(c *worker.Config) { c.Queues = map[string]int{"wide": 1} })
	a, err := admin.New(admin.Config{RedisURL: server.URL, Namespace: r.namespace})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	r.handle("k", func(context.Context, *rawJob) error { return nil }).start()
	row := func(n int) {
		t.Helper()
		if err := server.Client(t).HSet(t.Context(), r.namespace+":queues", "wide", n).Err(); err != nil {
			t.Fatal(err)
		}
	}
	works := func() {
		t.Helper()
		p := r.newProducer() // which sees the queue as it is now
		for range 16 {
			info, err := p.EnqueueRaw(t.Context(), "k", nil, drayhorse.Queue("wide"), keep)
			if err != nil {
				t.Fatal(err)
			}
			redistest.Eventually(t, 60*time.Second, "the job completes", func() bool {
				got, err := p.Get(t.Context(), info.ID, drayhorse.Queue("wide"))
				return err == nil && got.State == drayhorse.Completed
			})
		}
	}
	works()
	row(4)
	works()
	if _, err := a.DeleteQueue(t.Context(), "wide", false); err != nil {
		t.Fatal(err)
	}
	row(8)
	works()
	r.stop()
}

// TestAFullRedisIsDrained by a worker that comes new, though it cannot make its other
// queue, and makes that as soon as there is room.
func TestAFullRedisIsDrained(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	r := setupAt(t, server.URL, func(c *worker.Config) { c.Queues = map[string]int{"there": 1, "new": 1} })
	info, err := r.newProducer().EnqueueRaw(t.Context(), "k", nil, drayhorse.Queue("there"), keep)
	if err != nil {
		t.Fatal(err)
	}
	limit := func(bytes string) {
		if err := server.Client(t).ConfigSet(t.Context(), "maxmemory", bytes).Err(); err != nil {
			t.Fatal(err)
		}
	}
	limit("1")
	r.handle("k", func(context.Context, *rawJob) error { return nil }).start()
	p := r.newProducer()
	state := func() drayhorse.State {
		got, err := p.Get(t.Context(), info.ID, drayhorse.Queue("there"))
		if err != nil {
			return ""
		}
		return got.State
	}
	redistest.Eventually(t, 60*time.Second, "the job completes", func() bool { return state() == drayhorse.Completed })
	limit("0")
	redistest.Eventually(t, 60*time.Second, "the other queue is made", func() bool {
		return server.Client(t).HGet(t.Context(), r.namespace+":queues", "new").Val() == "1"
	})
	r.stop()
}
