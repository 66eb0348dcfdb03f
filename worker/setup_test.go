package worker_test

import (
	"context"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/worker"
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		runChild()
		return
	}
	redistest.Main(m)
}

// patience is for how long the producers of tests ride out a machine that is busy.
const patience = time.Minute

// rig is a producer and a worker that is about to run, in a namespace of their own.
type rig struct {
	*testing.T
	url, namespace string
	producer       *producer.Producer
	worker         *worker.Worker
	stop           func() // ends the worker and waits for it
}

// setup makes a rig on the shared server. The worker runs after start.
func setup(t *testing.T, change ...func(*worker.Config)) *rig {
	t.Helper()
	t.Parallel()
	return setupAt(t, redistest.Shared(t), change...)
}

func setupAt(t *testing.T, url string, change ...func(*worker.Config)) *rig {
	t.Helper()
	r := &rig{T: t, url: url, namespace: redistest.Namespace(t)}
	p, err := producer.New(producer.Config{RedisURL: url, Namespace: r.namespace, Patience: patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	r.producer, r.worker = p, r.newWorker(change...)
	return r
}

func (r *rig) newWorker(change ...func(*worker.Config)) *worker.Worker {
	r.Helper()
	cfg := worker.Config{RedisURL: r.url, Namespace: r.namespace, Concurrency: 10, Retry: worker.Constant(0)}
	for _, c := range change {
		c(&cfg)
	}
	w, err := worker.New(cfg)
	if err != nil {
		r.Fatal(err)
	}
	return w
}

// admin makes an Admin of the rig's namespace.
func (r *rig) admin() *admin.Admin {
	r.Helper()
	a, err := admin.New(admin.Config{RedisURL: r.url, Namespace: r.namespace, Actor: "ann"})
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { _ = a.Close() })
	return a
}

// start runs the worker until the test ends or stop is called.
func (r *rig) start() *rig {
	r.Helper()
	r.stop = run(r.T, r.worker)
	return r
}

// run runs a worker until the test ends or the returned function is called.
func run(t *testing.T, w *worker.Worker) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}

func (r *rig) enqueue(kind string, options ...drayhorse.Option) *drayhorse.Info {
	r.Helper()
	info, err := r.producer.EnqueueRaw(r.Context(), kind, json.RawMessage(`{"n":1}`), options...)
	if err != nil {
		r.Fatal(err)
	}
	return info
}

func (r *rig) get(id string) *drayhorse.Info {
	r.Helper()
	info, err := r.producer.Get(r.Context(), id)
	if err != nil {
		r.Fatal(err)
	}
	return info
}

// becomes waits until a job is in a state, and gives it.
func (r *rig) becomes(id string, state drayhorse.State, within ...time.Duration) *drayhorse.Info {
	r.Helper()
	limit := 5 * time.Second
	if len(within) > 0 {
		limit = within[0]
	}
	var info *drayhorse.Info
	redistest.Eventually(r.T, limit, id+" becomes "+string(state), func() bool {
		info = r.get(id)
		return info.State == state
	})
	return info
}

// handle registers a handler of raw jobs.
func (r *rig) handle(kind string, h worker.Handler) *rig {
	worker.HandleKind(r.worker, kind, h)
	return r
}

type rawJob = drayhorse.Job[json.RawMessage]

var keep = drayhorse.Retain(time.Hour)
