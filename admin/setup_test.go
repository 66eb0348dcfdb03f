package admin_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/embedded/embeddedtest"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/worker"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// yard is a namespace of its own, with its admin and its producer.
type yard struct {
	t              *testing.T
	url, namespace string
	admin          *admin.Admin
	jobs           *producer.Producer
}

// onEach runs a test on a real server and on the embedded one.
func onEach(t *testing.T, test func(t *testing.T, y *yard)) {
	t.Parallel()
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		test(t, setup(t, redistest.Shared(t)))
	})
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		test(t, setup(t, embeddedtest.URL(t)))
	})
}

func setup(t *testing.T, url string) *yard {
	t.Helper()
	y := &yard{t: t, url: url, namespace: redistest.Namespace(t)}
	var err error
	if y.admin, err = admin.New(admin.Config{RedisURL: url, Namespace: y.namespace}); err != nil {
		t.Fatal(err)
	}
	if y.jobs, err = producer.New(producer.Config{RedisURL: url, Namespace: y.namespace}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(y.jobs.Close(), y.admin.Close()); err != nil {
			t.Error(err)
		}
	})
	return y
}

// enqueue puts a job in.
func (y *yard) enqueue(kind string, options ...drayhorse.Option) string {
	y.t.Helper()
	info, err := y.jobs.EnqueueRaw(y.t.Context(), kind, json.RawMessage(`{"n":1}`), options...)
	if err != nil {
		y.t.Fatal(err)
	}
	return info.ID
}

// work starts a worker whose handler of kind k gives each job's ID to began and
// then does what it is told; it ends with the test.
func (y *yard) work(queue string) (began chan string, tell chan error) {
	y.t.Helper()
	began, tell = make(chan string), make(chan error)
	w, err := worker.New(worker.Config{RedisURL: y.url, Namespace: y.namespace, Queues: map[string]int{queue: 1}, Concurrency: 4})
	if err != nil {
		y.t.Fatal(err)
	}
	worker.HandleKind(w, "k", func(ctx context.Context, job *drayhorse.Job[json.RawMessage]) error {
		select {
		case began <- job.ID:
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case err := <-tell:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	y.t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			y.t.Error(err)
		}
	})
	return began, tell
}

// state waits until a job is in a state.
func (y *yard) state(id string, want drayhorse.State) {
	y.t.Helper()
	redistest.Eventually(y.t, 10e9, id+" is "+string(want), func() bool {
		info, err := y.admin.Get(y.t.Context(), "", id)
		return err == nil && info.State == want
	})
}
