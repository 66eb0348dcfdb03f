package admin_test

import (
	"context"
	"encoding/json"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/worker"
)

// fleet is the producers and workers of a queue, which can be restarted one by one.
type fleet struct {
	t   *testing.T
	url string

	mu    sync.Mutex
	acked []string // after the flush
	stops []func() // of producers and workers
}

func (f *fleet) produce(name string) func() {
	p, err := producer.New(producer.Config{RedisURL: f.url})
	if err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ctx.Err() == nil; i++ {
			options := []drayhorse.Option{drayhorse.Queue("wide"), drayhorse.Retain(time.Hour)}
			if i%2 == 0 {
				options = append(options, drayhorse.ID(name+"-"+strconv.Itoa(i)))
			}
			info, err := p.EnqueueRaw(context.Background(), "k", nil, options...)
			if err != nil {
				f.t.Errorf("enqueue: %v", err)
				return
			}
			f.mu.Lock()
			f.acked = append(f.acked, info.ID)
			f.mu.Unlock()
			select {
			case <-ctx.Done():
			case <-time.After(2 * time.Millisecond): // so that it is not all about throughput
			}
		}
	}()
	return func() {
		cancel()
		<-done
		if err := p.Close(); err != nil {
			f.t.Error(err)
		}
	}
}

func (f *fleet) work() func() {
	w, err := worker.New(worker.Config{RedisURL: f.url, Queues: map[string]int{"wide": 1}, Concurrency: 8})
	if err != nil {
		f.t.Fatal(err)
	}
	worker.HandleKind(w, "k", func(context.Context, *drayhorse.Job[json.RawMessage]) error { return nil })
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			f.t.Error(err)
		}
	}
}

// await waits for n more acknowledged jobs.
func (f *fleet) await(n int) {
	f.t.Helper()
	count := func() int { f.mu.Lock(); defer f.mu.Unlock(); return len(f.acked) }
	before := count()
	redistest.Eventually(f.t, 60*time.Second, "more jobs", func() bool { return count() >= before+n })
}

// TestFlushAllUnderWork: Redis forgets everything under producers and workers of a queue
// of 8 partitions, and then all of them are restarted one by one. Every job that was
// acknowledged since runs, and everybody knows the queue.
func TestFlushAllUnderWork(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	f := &fleet{t: t, url: server.URL}
	see := func() *admin.Admin {
		a, err := admin.New(admin.Config{RedisURL: server.URL})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = a.Close() })
		return a
	}
	if _, err := see().CreateQueue(t.Context(), "wide", 8); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		f.stops = append(f.stops, f.produce("a"+strconv.Itoa(i)), f.work())
	}
	defer func() {
		for _, stop := range f.stops {
			stop()
		}
	}()
	f.await(50)
	if err := server.Client(t).FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	f.await(2) // calls that were on the wire
	f.mu.Lock()
	f.acked = nil
	f.mu.Unlock()
	f.await(50)
	for i, stop := range f.stops {
		stop()
		if f.stops[i] = f.work(); i%2 == 0 {
			f.stops[i]()
			f.stops[i] = f.produce("b" + strconv.Itoa(i))
		}
		f.await(20)
	}
	f.mu.Lock()
	acked := f.acked
	f.mu.Unlock()
	a := see()
	for _, id := range acked {
		redistest.Eventually(t, 60*time.Second, id+" completes", func() bool {
			info, err := a.Get(t.Context(), "", id)
			return err == nil && info.State == drayhorse.Completed
		})
	}
	queues, err := a.Queues(t.Context())
	if err != nil || len(queues) != 1 || queues[0].Name != "wide" || queues[0].Partitions != 8 {
		t.Errorf("queues %+v, %v; want wide with 8 partitions", queues, err)
	}
	p, err := producer.New(producer.Config{RedisURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	later, err := p.EnqueueRaw(t.Context(), "k", nil, drayhorse.Queue("wide"), drayhorse.In(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Cancel(t.Context(), "", later.ID); err != nil {
		t.Errorf("cancel: %v", err)
	}
}
