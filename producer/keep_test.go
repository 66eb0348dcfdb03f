package producer_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
)

func openAdmin(t *testing.T, url string) *admin.Admin {
	t.Helper()
	a, err := admin.New(admin.Config{RedisURL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a
}

func enqueueIn(t *testing.T, p *producer.Producer, queue string) *drayhorse.Info {
	t.Helper()
	info, err := p.Enqueue(t.Context(), welcome{}, drayhorse.Queue(queue))
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// TestAQueueThatRedisHasForgottenIsWrittenAgain soon after a job was put in, and at the
// latest by Close.
func TestAQueueThatRedisHasForgottenIsWrittenAgain(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a := openAdmin(t, server.URL)
	if _, err := a.CreateQueue(t.Context(), "wide", 8); err != nil {
		t.Fatal(err)
	}
	p := open(t, producer.Config{RedisURL: server.URL})
	enqueueIn(t, p, "wide")
	row := func() string { return server.Client(t).HGet(t.Context(), "drayhorse:queues", "wide").Val() }
	lose := func() {
		if err := server.Client(t).FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
	}
	lose()
	first := enqueueIn(t, p, "wide")
	redistest.Eventually(t, 30*time.Second, "the queue with its 8 partitions", func() bool { return row() == "8" })
	if got, err := openAdmin(t, server.URL).Get(t.Context(), "", first.ID); err != nil || got.Queue != "wide" {
		t.Errorf("another process finds %+v, %v", got, err)
	}
	lose()
	last := enqueueIn(t, p, "wide")
	if _, err := p.Get(t.Context(), last.ID); err != nil || row() != "8" {
		t.Errorf("right after: %v, and the row %q", err, row())
	}
	lose()
	enqueueIn(t, p, "wide")
	if err := p.Close(); err != nil || row() != "8" {
		t.Errorf("closed: %v, and the row %q; want 8", err, row())
	}
}

// TestAProducerForgetsDeletedQueues, and one of them that is used again is there.
func TestAProducerForgetsDeletedQueues(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a := openAdmin(t, server.URL)
	p := open(t, producer.Config{RedisURL: server.URL})
	const n = 900 // more than one call keeps, and fewer than the producer has ways into
	specs, names := make([]drayhorse.Spec, n), make([]string, n)
	for i := range specs {
		names[i] = fmt.Sprint("queue", i)
		specs[i] = drayhorse.Spec{Args: welcome{}, Options: []drayhorse.Option{drayhorse.Queue(names[i])}}
	}
	if _, err := p.EnqueueMany(t.Context(), specs); err != nil {
		t.Fatal(err)
	}
	deleted, err := a.DeleteQueues(t.Context(), true, names[1:]...)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range deleted {
		if d.Err != nil || d.Jobs != 1 {
			t.Fatalf("%+v", d)
		}
	}
	info := enqueueIn(t, p, "queue1") // it has not heard of it
	p.Keep()
	if known := p.Known(); known != 2 {
		t.Errorf("%d queues are known still, want queue0 and queue1", known)
	}
	queues, err := a.Queues(t.Context())
	if err != nil || len(queues) != 2 || queues[1].Name != "queue1" {
		t.Errorf("queues %+v, %v", queues, err)
	}
	if _, err := a.Get(t.Context(), "", info.ID); err != nil {
		t.Error(err)
	}
}

// TestAProducerFollowsAQueueThatHasGrown: it took it for one of one partition.
func TestAProducerFollowsAQueueThatHasGrown(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	p := open(t, producer.Config{RedisURL: server.URL})
	before := enqueueIn(t, p, "wide")
	if err := server.Client(t).HSet(t.Context(), "drayhorse:queues", "wide", 8).Err(); err != nil {
		t.Fatal(err)
	}
	p.Keep()
	for range 8 {
		enqueueIn(t, p, "wide")
	}
	if n := server.Client(t).Exists(t.Context(), "drayhorse:{wide}:jobs", "drayhorse:{wide/3}:jobs", "drayhorse:{wide/7}:jobs").Val(); n != 3 {
		t.Errorf("jobs in %d of 3 partitions", n)
	}
	if _, err := p.Get(t.Context(), before.ID); err != nil {
		t.Errorf("the job from before: %v", err)
	}
	if err := p.Cancel(t.Context(), before.ID, drayhorse.Queue("wide")); err != nil {
		t.Errorf("the job from before: %v", err)
	}
	if err := p.Retry(t.Context(), before.ID); err != nil {
		t.Errorf("the job from before: %v", err)
	}
}
