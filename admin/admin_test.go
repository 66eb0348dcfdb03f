package admin_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

func TestJobsAreRetriedCancelledAndDeleted(t *testing.T) {
	onEach(t, func(t *testing.T, y *yard) {
		ctx := t.Context()
		began, tell := y.work("q")
		in := drayhorse.Queue("q")
		id := y.enqueue("k", in, drayhorse.ID("mine"), drayhorse.MaxAttempts(1))
		<-began
		if err := y.admin.Retry(ctx, "", id); !errors.Is(err, drayhorse.ErrRunning) {
			t.Errorf("retry of a running job: %v", err)
		}
		if err := y.admin.Delete(ctx, "q", id); !errors.Is(err, drayhorse.ErrRunning) {
			t.Errorf("delete of a running job: %v", err)
		}
		tell <- errors.New("broken")
		y.state(id, drayhorse.Discarded)
		if err := y.admin.Retry(ctx, "", id); err != nil {
			t.Fatal(err)
		}
		<-began
		if err := y.admin.Cancel(ctx, "q", id); err != nil {
			t.Fatal(err)
		}
		y.state(id, drayhorse.Cancelled)
		if err := y.admin.Cancel(ctx, "", id); !errors.Is(err, drayhorse.ErrNotFound) {
			t.Errorf("cancel of an ended job: %v", err)
		}
		if err := y.admin.Delete(ctx, "", id); err != nil {
			t.Fatal(err)
		}
		later := y.enqueue("k", in, drayhorse.In(time.Hour))
		if err := y.admin.Delete(ctx, "", later); err != nil {
			t.Fatal(err)
		}
		for _, act := range []func(context.Context, string, string) error{y.admin.Cancel, y.admin.Retry, y.admin.Delete} {
			if err := act(ctx, "", later); !errors.Is(err, drayhorse.ErrNotFound) {
				t.Errorf("of a job that is gone: %v", err)
			}
			if err := act(ctx, "nowhere", id); !errors.Is(err, drayhorse.ErrNotFound) {
				t.Errorf("of a queue that is not: %v", err)
			}
			if err := act(ctx, "", "a/b"); !errors.Is(err, drayhorse.ErrInvalid) {
				t.Errorf("of an impossible ID: %v", err)
			}
		}
	})
}

func TestQueuesAddUpTheirPartitions(t *testing.T) {
	onEach(t, func(t *testing.T, y *yard) {
		ctx := t.Context()
		if _, err := y.admin.CreateQueue(ctx, "wide", 4); err != nil {
			t.Fatal(err)
		}
		if q, err := y.admin.CreateQueue(ctx, "wide", 4); err != nil || q.Partitions != 4 {
			t.Errorf("again: %+v, %v", q, err)
		}
		if _, err := y.admin.CreateQueue(ctx, "wide", 2); !errors.Is(err, drayhorse.ErrInvalid) {
			t.Errorf("with another number: %v", err)
		}
		for range 40 {
			y.enqueue("k", drayhorse.Queue("wide"))
		}
		y.enqueue("k", drayhorse.Queue("wide"), drayhorse.In(time.Hour))
		y.enqueue("k")
		queues, err := y.admin.Queues(ctx)
		if err != nil || len(queues) != 2 || queues[0].Name != "default" || queues[1].Name != "wide" {
			t.Fatalf("got %+v, %v", queues, err)
		}
		q := queues[1]
		if q.Available != 40 || q.Scheduled != 1 || q.Partitions != 4 || q.Totals["enqueued"] != 41 || q.Latency() <= 0 || q.Latency() > time.Minute {
			t.Errorf("got %+v", q)
		}
		if n, err := y.admin.Purge(ctx, "wide", drayhorse.Available); n != 40 || err != nil {
			t.Errorf("purged %d, %v; want 40", n, err)
		}
		if n, err := y.admin.Resync(ctx, "wide"); n != 0 || err != nil {
			t.Errorf("resynced %d, %v; want none", n, err)
		}
		if q, err := y.admin.Queue(ctx, "wide"); err != nil || q.Available != 0 || q.Scheduled != 1 || q.Latency() != 0 {
			t.Errorf("got %+v, %v", q, err)
		}
	})
}

func TestAPausedQueueGivesNoJobs(t *testing.T) {
	onEach(t, func(t *testing.T, y *yard) {
		ctx := t.Context()
		if _, err := y.admin.CreateQueue(ctx, "q", 2); err != nil {
			t.Fatal(err)
		}
		if err := y.admin.Pause(ctx, admin.Target{Queue: "q"}, ""); err != nil {
			t.Fatal(err)
		}
		began, tell := y.work("q")
		id := y.enqueue("k", drayhorse.Queue("q"))
		q, err := y.admin.Queue(ctx, "q")
		if err != nil || !q.Paused || q.Available != 1 {
			t.Errorf("got %+v, %v", q, err)
		}
		if err := y.admin.Resume(ctx, admin.Target{Queue: "q"}, ""); err != nil {
			t.Fatal(err)
		}
		if got := <-began; got != id {
			t.Errorf("%s began; want %s", got, id)
		}
		tell <- nil
		if err := y.admin.Pause(ctx, admin.Target{Queue: "nowhere"}, ""); !errors.Is(err, drayhorse.ErrNotFound) {
			t.Errorf("of a queue that is not: %v", err)
		}
	})
}

func TestPagesCoverAllJobsOnce(t *testing.T) {
	onEach(t, func(t *testing.T, y *yard) {
		if _, err := y.admin.CreateQueue(t.Context(), "b", 3); err != nil {
			t.Fatal(err)
		}
		var want, rare []string
		for i := range 60 {
			kind := "common"
			if i%20 == 0 {
				kind = "rare"
			}
			for _, options := range [][]drayhorse.Option{
				{drayhorse.Queue("a")}, {drayhorse.Queue("b")}, {drayhorse.Queue("b"), drayhorse.In(time.Hour)},
			} {
				id := y.enqueue(kind, options...)
				want = append(want, id)
				if kind == "rare" {
					rare = append(rare, id)
				}
			}
		}
		for limit := range map[int]bool{1: true, 7: true, 100: true, admin.MaxLimit: true} {
			y.covers(admin.Filter{Limit: limit}, want)
			y.covers(admin.Filter{Limit: limit, Kind: "rare"}, rare)
		}
		y.covers(admin.Filter{Queue: "b", State: drayhorse.Scheduled}, every(want, 3, 2))
		y.covers(admin.Filter{Queue: "a", State: drayhorse.Running}, nil)
		y.covers(admin.Filter{State: drayhorse.Available, Queue: "a", Limit: 50}, every(want, 3, 0))
	})
}

// every gives each nth from first.
func every(all []string, n, first int) []string {
	var some []string
	for i := first; i < len(all); i += n {
		some = append(some, all[i])
	}
	return some
}

// covers reads all pages and wants these IDs, in any order.
func (y *yard) covers(f admin.Filter, want []string) {
	y.t.Helper()
	var got []string
	for first := true; first || f.Cursor != ""; first = false {
		page, err := y.admin.Jobs(y.t.Context(), f)
		if err != nil {
			y.t.Fatal(err)
		}
		if f.Limit > 0 && len(page.Jobs) > f.Limit {
			y.t.Errorf("a page of %d jobs; want at most %d", len(page.Jobs), f.Limit)
		}
		for _, j := range page.Jobs {
			got = append(got, j.ID)
		}
		f.Cursor = page.Next
	}
	want = slices.Sorted(slices.Values(want))
	if slices.Sort(got); !slices.Equal(got, want) {
		y.t.Errorf("%+v: %d jobs; want %d", f, len(got), len(want))
	}
}

func TestImpossibleValuesAreNamedBeforeConnecting(t *testing.T) {
	t.Parallel()
	a, err := admin.New(admin.Config{RedisURL: "redis://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	ctx := t.Context()
	list := func(f admin.Filter) error { _, err := a.Jobs(ctx, f); return err }
	purge := func(queue string, s drayhorse.State) error { _, err := a.Purge(ctx, queue, s); return err }
	create := func(queue string, n int) error { _, err := a.CreateQueue(ctx, queue, n); return err }
	_, getErr := a.Get(ctx, "a/b", "x")
	for name, err := range map[string]error{
		"list queue": list(admin.Filter{Queue: "a/b"}), "list state": list(admin.Filter{State: "lost"}),
		"list kind": list(admin.Filter{Kind: "a b"}), "list limit": list(admin.Filter{Limit: 1001}),
		"list cursor": list(admin.Filter{Cursor: "?"}), "list cursor 2": list(admin.Filter{Cursor: "e30"}),
		"purge running": purge("q", drayhorse.Running), "purge state": purge("q", "lost"), "purge queue": purge("", drayhorse.Available),
		"create 0": create("q", 0), "create many": create("q", 1025), "create name": create("", 1),
		"pause": a.Pause(ctx, admin.Target{}, ""), "get": getErr,
	} {
		if !errors.Is(err, drayhorse.ErrInvalid) {
			t.Errorf("%s: %v; want ErrInvalid", name, err)
		}
	}
	if _, err := a.Queues(ctx); !errors.Is(err, drayhorse.ErrUnavailable) {
		t.Errorf("no server: %v", err)
	}
	if _, err := admin.New(admin.Config{Namespace: "a/b"}); !errors.Is(err, drayhorse.ErrInvalid) {
		t.Errorf("namespace: %v", err)
	}
	if _, err := admin.New(admin.Config{RedisURL: "http://h"}); !errors.Is(err, drayhorse.ErrInvalid) {
		t.Errorf("URL: %v", err)
	}
}

func TestAnApplicationsClientIsCloned(t *testing.T) {
	t.Parallel()
	options, err := redis.ParseURL(redistest.Shared(t))
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	defer client.Close()
	a, err := admin.New(admin.Config{Redis: client, Namespace: redistest.Namespace(t)})
	if err != nil {
		t.Fatal(err)
	}
	if queues, err := a.Queues(t.Context()); err != nil || len(queues) != 0 {
		t.Errorf("got %v, %v", queues, err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Errorf("the application's client was closed: %v", err)
	}
}
