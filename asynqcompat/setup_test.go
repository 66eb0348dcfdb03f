package asynqcompat_test

import (
	"context"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/asynqcompat"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/worker"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// rig is a producer with a client, in a namespace of their own.
type rig struct {
	*testing.T
	url, namespace string
	producer       *producer.Producer
	client         *asynqcompat.Client
}

func setup(t *testing.T) *rig {
	t.Helper()
	t.Parallel()
	r := &rig{T: t, url: redistest.Shared(t), namespace: redistest.Namespace(t)}
	var err error
	r.producer, err = producer.New(producer.Config{RedisURL: r.url, Namespace: r.namespace})
	r.must(err)
	r.client = asynqcompat.NewClient(r.producer)
	t.Cleanup(func() { _ = r.client.Close() })
	return r
}

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *rig) enqueue(task *asynq.Task, options ...asynq.Option) *asynq.TaskInfo {
	r.Helper()
	info, err := r.client.Enqueue(task, options...)
	r.must(err)
	return info
}

// work runs a worker on the queue "default" until the end of the test. Attempts
// follow each other at once.
func (r *rig) work(h asynq.Handler) {
	r.Helper()
	w, err := worker.New(worker.Config{RedisURL: r.url, Namespace: r.namespace, Concurrency: 4})
	r.must(err)
	asynqcompat.Handle(w, h, worker.Retry(worker.Constant(0)))
	ctx, stop := context.WithCancel(r.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	r.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			r.Errorf("worker: %v", err)
		}
	})
}

// ends waits until the job has ended.
func (r *rig) ends(id string) *drayhorse.Info {
	r.Helper()
	var info *drayhorse.Info
	redistest.Eventually(r, 20*time.Second, "job "+id+" ends", func() bool {
		var err error
		info, err = r.producer.Get(r.Context(), id)
		r.must(err)
		return info.State.Ended()
	})
	return info
}

func (r *rig) get(id string) *drayhorse.Info {
	r.Helper()
	info, err := r.producer.Get(r.Context(), id)
	r.must(err)
	return info
}
