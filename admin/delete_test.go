package admin_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
)

// raw is a client that does what no program of ours does.
func (y *yard) raw() *redis.Client {
	y.t.Helper()
	options, err := redis.ParseURL(y.url)
	if err != nil {
		y.t.Fatal(err)
	}
	client := redis.NewClient(options)
	y.t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestQueuesAreDeleted(t *testing.T) {
	onEach(t, func(t *testing.T, y *yard) {
		ctx := t.Context()
		if _, err := y.admin.CreateQueue(ctx, "q", 3); err != nil {
			t.Fatal(err)
		}
		began, tell := y.work("q")
		id := y.enqueue("k", drayhorse.Queue("q"), drayhorse.MaxAttempts(1))
		<-began
		if n, err := y.admin.DeleteQueue(ctx, "q", false); n != 0 || !errors.Is(err, drayhorse.ErrNotEmpty) || !strings.Contains(err.Error(), "queue q has 1 live jobs") {
			t.Errorf("with a running job: %d, %v", n, err)
		}
		tell <- errors.New("broken")
		y.state(id, drayhorse.Discarded)
		if n, err := y.admin.DeleteQueue(ctx, "q", false); n != 0 || err != nil {
			t.Errorf("with an ended job: %d, %v", n, err)
		}
		if _, err := y.admin.Get(ctx, "", id); !errors.Is(err, drayhorse.ErrNotFound) {
			t.Errorf("its job: %v", err)
		}
		if queues, err := y.admin.Queues(ctx); err != nil || len(queues) != 0 {
			t.Errorf("queues %+v, %v", queues, err)
		}
		if n, err := y.admin.DeleteQueue(ctx, "q", true); n != 0 || !errors.Is(err, drayhorse.ErrNotFound) {
			t.Errorf("again: %d, %v", n, err)
		}
		if _, err := y.admin.DeleteQueue(ctx, "a/b", true); !errors.Is(err, drayhorse.ErrQueueInvalid) {
			t.Errorf("of an impossible name: %v", err)
		}
		y.enqueue("k", drayhorse.Queue("q")) // by a producer that knows it
		<-began
		tell <- nil
	})
}

// TestAQueueThatCannotBeCountedHidesNoOther, and is named.
func TestAQueueThatCannotBeCountedHidesNoOther(t *testing.T) {
	onEach(t, func(t *testing.T, y *yard) {
		ctx := t.Context()
		id := y.enqueue("k", drayhorse.Queue("well"))
		y.enqueue("k", drayhorse.Queue("broken"))
		raw := y.raw()
		if err := errors.Join(
			raw.HSet(ctx, y.namespace+":queues", "odd", "many").Err(),
			raw.Del(ctx, y.namespace+":{broken}:jobs").Err(), raw.Set(ctx, y.namespace+":{broken}:jobs", "x", 0).Err(),
		); err != nil {
			t.Fatal(err)
		}
		queues, err := y.admin.Queues(ctx)
		if err != nil || len(queues) != 3 {
			t.Fatalf("queues %+v, %v; want all 3", queues, err)
		}
		for i, want := range []struct{ name, problem string }{{"broken", "WRONGTYPE"}, {"odd", `"many"`}, {"well", ""}} {
			if q := queues[i]; q.Name != want.name || !strings.Contains(q.Problem, want.problem) || (q.Problem == "") != (want.problem == "") {
				t.Errorf("queue %+v; want %s with a problem of %q", q, want.name, want.problem)
			}
		}
		if queues[2].Available != 1 {
			t.Errorf("%+v; want 1 available job", queues[2])
		}
		if info, err := y.admin.Get(ctx, "", id); err != nil || info.Queue != "well" {
			t.Errorf("got %+v, %v", info, err)
		}
		for _, name := range []string{"odd", "broken"} {
			if _, err := y.admin.DeleteQueue(ctx, name, true); err != nil {
				t.Errorf("delete %s: %v", name, err)
			}
		}
	})
}
