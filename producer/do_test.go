package producer_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/worker"
)

type resize struct {
	Name string `json:"name"`
}

func (resize) Kind() string { return "resize" }

type size struct{ Width int }

// work runs a worker that resizes until the test ends.
func work(t *testing.T, url, namespace string, handle func(ctx context.Context, job *drayhorse.Job[resize]) error) {
	t.Helper()
	w, err := worker.New(worker.Config{RedisURL: url, Namespace: namespace, Queues: map[string]int{"default": 1}, Concurrency: 8})
	if err != nil {
		t.Fatal(err)
	}
	worker.Handle(w, handle)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestDoRunsOneJobForAll: however many ask at once, through several producers, one runs, and
// its result stands for those who come later.
func TestDoRunsOneJobForAll(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{"single": redistest.Shared(t), "cluster": redistest.SharedCluster(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			namespace := redistest.Namespace(t)
			var runs atomic.Int32
			work(t, url, namespace, func(_ context.Context, job *drayhorse.Job[resize]) error {
				runs.Add(1)
				return job.SetResult(size{640})
			})
			var all sync.WaitGroup
			for range 4 {
				p := open(t, producer.Config{RedisURL: url, Namespace: namespace})
				for range 250 {
					all.Go(func() {
						got, err := producer.Do[resize, size](t.Context(), p, resize{"a.png"}, drayhorse.Fresh(time.Hour))
						for errors.Is(err, drayhorse.ErrUnavailable) { // so many connect at once: beside others a dial may take its 5 s
							got, err = producer.Do[resize, size](t.Context(), p, resize{"a.png"}, drayhorse.Fresh(time.Hour))
						}
						if err != nil || got.Width != 640 {
							t.Errorf("got %+v, %v", got, err)
						}
					})
				}
			}
			all.Wait()
			if n := runs.Load(); n != 1 {
				t.Errorf("%d runs for 1,000 callers, want 1", n)
			}
			p := open(t, producer.Config{RedisURL: url, Namespace: namespace})
			if _, err := producer.Do[resize, size](t.Context(), p, resize{"a.png"}, drayhorse.Fresh(time.Hour)); err != nil || runs.Load() != 1 {
				t.Errorf("later: %d runs, %v", runs.Load(), err)
			}
			if _, err := producer.Do[resize, size](t.Context(), p, resize{"b.png"}, drayhorse.Fresh(time.Hour)); err != nil || runs.Load() != 2 {
				t.Errorf("of another: %d runs, %v", runs.Load(), err)
			}
			for range 2 { // without Fresh: nothing stands for anything
				if _, err := producer.Do[resize, size](t.Context(), p, resize{"c.png"}); err != nil {
					t.Error(err)
				}
			}
			if n := runs.Load(); n != 4 {
				t.Errorf("%d runs, want 4", n)
			}
		})
	}
}

// TestDoAfterItsResultIsGone: of a job that was deleted nothing stands for others.
func TestDoAfterItsResultIsGone(t *testing.T) {
	t.Parallel()
	url, namespace := redistest.Shared(t), redistest.Namespace(t)
	var last atomic.Pointer[string]
	work(t, url, namespace, func(_ context.Context, job *drayhorse.Job[resize]) error {
		last.Store(&job.ID)
		return job.SetResult(size{1})
	})
	p := open(t, producer.Config{RedisURL: url, Namespace: namespace})
	ask := func() string {
		if _, err := producer.Do[resize, size](t.Context(), p, resize{}, drayhorse.Fresh(time.Hour)); err != nil {
			t.Fatal(err)
		}
		return *last.Load()
	}
	first := ask()
	a, err := admin.New(admin.Config{RedisURL: url, Namespace: namespace})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := a.Delete(t.Context(), "default", first); err != nil {
		t.Fatal(err)
	}
	if ask() == first {
		t.Error("the result of a job that was deleted stands")
	}
}

func TestDoSaysWhyThereIsNoResult(t *testing.T) {
	t.Parallel()
	url, namespace := redistest.Shared(t), redistest.Namespace(t)
	var runs atomic.Int32
	work(t, url, namespace, func(_ context.Context, job *drayhorse.Job[resize]) error {
		runs.Add(1)
		switch job.Args.Name {
		case "fails":
			return drayhorse.Discard(errors.New("no such image"))
		case "text":
			return job.SetResult("text")
		}
		return nil
	})
	p := open(t, producer.Config{RedisURL: url, Namespace: namespace})
	ask := func(name string, options ...drayhorse.Option) error {
		_, err := producer.Do[resize, size](t.Context(), p, resize{name}, options...)
		return err
	}
	for range 2 { // a failure stands for nobody
		err := ask("fails", drayhorse.Fresh(time.Hour))
		failed, ok := errors.AsType[*drayhorse.FailedError](err)
		if !ok || failed.Info.State != drayhorse.Discarded || failed.Info.Errors[0].Message != "no such image" {
			t.Errorf("error = %v", err)
		}
	}
	if n := runs.Load(); n != 2 {
		t.Errorf("%d runs, want 2", n)
	}
	if err := ask("nothing"); !errors.Is(err, drayhorse.ErrNoResult) {
		t.Errorf("error = %v, want ErrNoResult", err)
	}
	if err := ask("text"); !errors.Is(err, drayhorse.ErrInvalid) {
		t.Errorf("error = %v, want ErrInvalid", err)
	}
	for _, o := range [][]drayhorse.Option{
		{drayhorse.ID("x")}, {drayhorse.In(time.Hour)}, {drayhorse.Fresh(-1)},
		{drayhorse.Unique(drayhorse.UniqueBy{Conflict: drayhorse.Reject})},
	} {
		if err := ask("x", o...); !errors.Is(err, drayhorse.ErrInvalid) {
			t.Errorf("error = %v, want ErrInvalid", err)
		}
	}
	if _, err := p.EnqueueRaw(t.Context(), "resize", json.RawMessage(`{}`), drayhorse.Fresh(time.Hour)); !errors.Is(err, drayhorse.ErrInvalid) {
		t.Errorf("Enqueue with Fresh: %v, want ErrInvalid", err)
	}
}

// TestACallerOfDoThatGivesUpLeavesTheJob: the next one gets what it came to.
func TestACallerOfDoThatGivesUpLeavesTheJob(t *testing.T) {
	t.Parallel()
	url, namespace := redistest.Shared(t), redistest.Namespace(t)
	began, goOn := make(chan struct{}), make(chan struct{})
	var runs atomic.Int32
	work(t, url, namespace, func(_ context.Context, job *drayhorse.Job[resize]) error {
		if runs.Add(1) == 1 {
			close(began)
		}
		<-goOn
		return job.SetResult(size{7})
	})
	p := open(t, producer.Config{RedisURL: url, Namespace: namespace})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-began
		cancel()
	}()
	if _, err := producer.Do[resize, size](ctx, p, resize{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want that of the context", err)
	}
	close(goOn)
	if got, err := producer.Do[resize, size](t.Context(), p, resize{}, drayhorse.Fresh(time.Hour)); err != nil || got.Width != 7 {
		t.Errorf("got %+v, %v", got, err)
	}
}
