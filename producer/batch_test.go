package producer_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/worker"
)

type part struct {
	N    int
	Fail bool
	Grow int
}

func (part) Kind() string { return "part" }

type report struct{ What string }

func (report) Kind() string { return "report" }

// batches is a worker that runs members and counts callbacks.
type batches struct {
	ran    atomic.Int32
	mended atomic.Bool // nothing fails any more
	said   map[string]*atomic.Int32
}

func workBatches(t *testing.T, url, namespace string, queues ...string) *batches {
	t.Helper()
	b := &batches{said: map[string]*atomic.Int32{}}
	for _, what := range []string{"complete", "success", "failure"} {
		b.said[what] = new(atomic.Int32)
	}
	cfg := worker.Config{RedisURL: url, Namespace: namespace, Queues: map[string]int{"callbacks": 1}, Concurrency: 8}
	for _, q := range queues {
		cfg.Queues[q] = 1
	}
	w, err := worker.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	worker.Handle(w, func(ctx context.Context, job *drayhorse.Job[part]) error {
		b.ran.Add(1)
		for i := range job.Args.Grow {
			spec := drayhorse.Spec{Args: part{N: i}, Options: []drayhorse.Option{drayhorse.Queue(queues[i%len(queues)])}}
			if err := flow.AddToBatch(ctx, spec); err != nil {
				return err
			}
		}
		if job.Args.Fail && !b.mended.Load() {
			return drayhorse.Discard(errors.New("it cannot be done"))
		}
		return nil
	})
	worker.Handle(w, func(_ context.Context, job *drayhorse.Job[report]) error {
		b.said[job.Args.What].Add(1)
		return nil
	})
	keepRunning(t, w)
	return b
}

// keepRunning runs a worker until the test ends.
func keepRunning(t testing.TB, w *worker.Worker) {
	t.Helper()
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

// calls are a batch with all callbacks.
func calls(id string) flow.Batch {
	to := drayhorse.Queue("callbacks")
	return flow.Batch{
		ID: id, OnComplete: flow.Call(report{"complete"}, to), OnSuccess: flow.Call(report{"success"}, to), OnFailure: flow.Call(report{"failure"}, to),
	}
}

// await waits for the end of a batch.
func await(t *testing.T, p *producer.Producer, id string) *flow.Info {
	t.Helper()
	var info *flow.Info
	redistest.Eventually(t, 30*time.Second, "the end of batch "+id, func() bool {
		var err error
		if info, err = p.Flow(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		return !info.EndedAt.IsZero()
	})
	return info
}

func (b *batches) called(t *testing.T, complete, success, failure int32) {
	t.Helper()
	want := map[string]int32{"complete": complete, "success": success, "failure": failure}
	redistest.Eventually(t, 30*time.Second, fmt.Sprint("callbacks ", want), func() bool {
		for what, n := range want {
			if b.said[what].Load() != n {
				return false
			}
		}
		return true
	})
}

// TestABatchOverManyQueues: on a single server and on a Cluster.
func TestABatchOverManyQueues(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{"single": redistest.Shared(t), "cluster": redistest.SharedCluster(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			namespace := redistest.Namespace(t)
			b := workBatches(t, url, namespace, "one", "two", "three")
			p := open(t, producer.Config{RedisURL: url, Namespace: namespace})
			batch, err := p.NewBatch(t.Context(), calls("many"))
			if err != nil || batch.Duplicate {
				t.Fatal(batch, err)
			}
			var specs []drayhorse.Spec
			for i := range 300 {
				s := drayhorse.Spec{Args: part{N: i}, Options: []drayhorse.Option{drayhorse.Queue([]string{"one", "two", "three"}[i%3])}}
				if i == 7 {
					s.Args = part{Grow: 30}
				}
				specs = append(specs, s)
			}
			if _, err := batch.Add(t.Context(), specs...); err != nil {
				t.Fatal(err)
			}
			if info, err := p.Flow(t.Context(), "many"); err != nil || info.State != flow.Open || b.said["complete"].Load() > 0 {
				t.Errorf("%+v, %v", info, err)
			}
			if again, err := p.NewBatch(t.Context(), flow.Batch{ID: "many"}); err != nil || !again.Duplicate {
				t.Errorf("%+v, %v", again, err)
			}
			if err := batch.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := batch.Add(t.Context(), specs[0]); !errors.Is(err, drayhorse.ErrFlowEnded) {
				t.Errorf("after Close: %v", err)
			}
			info := await(t, p, "many")
			if info.State != flow.Completed || info.Total != 330 || info.Completed != 330 || info.Waiting != 0 {
				t.Errorf("%+v", info)
			}
			b.called(t, 1, 1, 0)
			if n := b.ran.Load(); n != 330 {
				t.Errorf("%d runs", n)
			}
		})
	}
}

// TestABatchWithoutMembersCallsBack, and one with a failure does, at once.
func TestABatchWithoutMembersCallsBack(t *testing.T) {
	t.Parallel()
	url, namespace := redistest.Shared(t), redistest.Namespace(t)
	b := workBatches(t, url, namespace, "one")
	p := open(t, producer.Config{RedisURL: url, Namespace: namespace})
	empty, err := p.NewBatch(t.Context(), calls(""))
	if err != nil {
		t.Fatal(err)
	}
	if err := empty.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if info, err := p.Flow(t.Context(), empty.ID); err != nil || info.State != flow.Completed {
		t.Fatalf("%+v, %v", info, err)
	}
	b.called(t, 1, 1, 0)
	bad, err := p.NewBatch(t.Context(), calls("bad"))
	if err != nil {
		t.Fatal(err)
	}
	infos, err := bad.Add(t.Context(), drayhorse.Spec{Args: part{Fail: true}, Options: []drayhorse.Option{drayhorse.Queue("one")}})
	if err != nil {
		t.Fatal(err)
	}
	b.called(t, 1, 1, 1) // while it is open
	if err := bad.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if info := await(t, p, "bad"); info.State != flow.Failed || info.Discarded != 1 {
		t.Fatalf("%+v", info)
	}
	b.called(t, 2, 1, 1)
	// An operator retries the member, which fails again: it moves nothing and calls nobody.
	if err := p.Retry(t.Context(), infos[0].ID); err != nil {
		t.Fatal(err)
	}
	redistest.Eventually(t, 30*time.Second, "the second run", func() bool {
		again, err := p.Get(t.Context(), infos[0].ID)
		return err == nil && again.State == drayhorse.Discarded && b.ran.Load() == 2
	})
	if info := await(t, p, "bad"); info.Discarded != 1 || info.Total != 1 {
		t.Fatalf("%+v", info)
	}
	// And once more, when it completes: the count moves, and the batch is a success after all.
	b.mended.Store(true)
	if err := p.Retry(t.Context(), infos[0].ID); err != nil {
		t.Fatal(err)
	}
	b.called(t, 2, 2, 1)
	if info := await(t, p, "bad"); info.State != flow.Completed || info.Completed != 1 || info.Discarded != 0 || info.Total != 1 {
		t.Fatalf("%+v", info)
	}
}

// TestACancelledBatch: all members end, and it is no success.
func TestACancelledBatch(t *testing.T) {
	t.Parallel()
	url, namespace := redistest.Shared(t), redistest.Namespace(t)
	p := open(t, producer.Config{RedisURL: url, Namespace: namespace})
	batch, err := p.NewBatch(t.Context(), calls("away"))
	if err != nil {
		t.Fatal(err)
	}
	var specs []drayhorse.Spec
	for i := range 500 {
		specs = append(specs, drayhorse.Spec{Args: part{N: i}, Options: []drayhorse.Option{drayhorse.In(time.Duration(i%2) * time.Hour)}})
	}
	if _, err := batch.Add(t.Context(), specs...); err != nil {
		t.Fatal(err)
	}
	if err := p.CancelFlow(t.Context(), "away"); err != nil {
		t.Fatal(err)
	}
	if info := await(t, p, "away"); info.State != flow.Cancelled || info.Cancelled != 500 || info.Reason != "cancelled" {
		t.Fatalf("%+v", info)
	}
	if err := p.CancelFlow(t.Context(), "away"); !errors.Is(err, drayhorse.ErrFlowEnded) {
		t.Errorf("again: %v", err)
	}
	b := workBatches(t, url, namespace, "default")
	b.called(t, 1, 0, 1)
	if n := b.ran.Load(); n != 0 {
		t.Errorf("%d members ran", n)
	}
}

type row struct{ N int }

func (row) Kind() string { return "row" }

// TestAHandlerOfManyAddsToNoBatch: its jobs may be members of several.
func TestAHandlerOfManyAddsToNoBatch(t *testing.T) {
	t.Parallel()
	url, namespace := redistest.Shared(t), redistest.Namespace(t)
	w, err := worker.New(worker.Config{RedisURL: url, Namespace: namespace, Queues: map[string]int{"default": 1}, Concurrency: 8})
	if err != nil {
		t.Fatal(err)
	}
	said := make(chan error, 10)
	worker.HandleMany(w, func(ctx context.Context, jobs []*drayhorse.Job[row]) []error {
		for range jobs {
			said <- flow.AddToBatch(ctx, drayhorse.Spec{Args: row{}})
		}
		return nil
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	p := open(t, producer.Config{RedisURL: url, Namespace: namespace})
	b, err := p.NewBatch(t.Context(), flow.Batch{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Add(t.Context(), drayhorse.Spec{Args: row{1}}, drayhorse.Spec{Args: row{2}}); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if info := await(t, p, b.ID); info.Completed != 2 || info.Total != 2 {
		t.Errorf("%+v", info)
	}
	for range 2 {
		if err := <-said; !errors.Is(err, drayhorse.ErrInvalid) {
			t.Errorf("it was added: %v", err)
		}
	}
}
