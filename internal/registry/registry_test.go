package registry

import (
	"errors"
	"fmt"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/embedded/embeddedtest"
	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// conform runs a test on every kind of server, each in a namespace of its own.
func conform(t *testing.T, test func(t *testing.T, r *Registry)) {
	t.Helper()
	t.Parallel()
	for name, url := range map[string]func(*testing.T) string{
		"single":   func(t *testing.T) string { return redistest.Shared(t) },
		"cluster":  func(t *testing.T) string { return redistest.SharedCluster(t) },
		"embedded": func(t *testing.T) string { return embeddedtest.URL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, err := redis.Open(redis.Config{URL: url(t)})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = client.Close() })
			test(t, New(client, redistest.Namespace(t)))
		})
	}
}

func (r *Registry) announce(t *testing.T, workers ...Worker) {
	t.Helper()
	for i := range workers {
		if _, err := r.Announce(t.Context(), &workers[i]); err != nil {
			t.Fatal(err)
		}
	}
}

// ids lists the workers.
func (r *Registry) ids(t *testing.T) string {
	t.Helper()
	workers, err := r.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]string, len(workers))
	for i, w := range workers {
		ids[i] = w.ID
	}
	return fmt.Sprint(ids)
}

// shift makes a worker look as if it had announced itself by that much later.
func (r *Registry) shift(t *testing.T, id string, by time.Duration) {
	t.Helper()
	if err := r.client.ZIncrBy(t.Context(), r.keys[1], float64(by.Milliseconds()), id).Err(); err != nil {
		t.Fatal(err)
	}
}

func TestWorkersAreListedUntilTheyLeave(t *testing.T) {
	conform(t, func(t *testing.T, r *Registry) {
		if got := r.ids(t); got != "[]" {
			t.Errorf("at first: %s", got)
		}
		begin := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
		b := Worker{
			ID: "b", Host: "h", PID: 7, State: Quiet, StartedAt: begin, Queues: map[string]int{"mail": 3}, QueueCount: 1,
			Kinds: []string{"k"}, KindCount: 1, Concurrency: 5, Running: 1,
			Jobs: []Job{{ID: "j", Kind: "k", Queue: "mail", Attempt: 1, Since: begin}},
		}
		r.announce(t, Worker{ID: "c", StartedAt: begin.Add(time.Second)}, b, Worker{ID: "a", StartedAt: begin})
		if got := r.ids(t); got != "[a b c]" {
			t.Errorf("got %s; want those that began first in front", got)
		}
		got, err := r.Get(t.Context(), "b")
		if err != nil {
			t.Fatal(err)
		}
		if age := time.Since(got.SeenAt); age < -time.Minute || age > time.Minute {
			t.Errorf("seen %v ago", age)
		}
		got.SeenAt = time.Time{}
		if fmt.Sprint(*got) != fmt.Sprint(b) {
			t.Errorf("got %+v; want %+v", *got, b)
		}
		b.Running = 2
		r.announce(t, b)
		if got, err := r.Get(t.Context(), "b"); err != nil || got.Running != 2 {
			t.Errorf("announced again: %+v, %v", got, err)
		}
		for range 2 {
			if err := r.Leave(t.Context(), "b"); err != nil {
				t.Error(err)
			}
		}
		if got := r.ids(t); got != "[a c]" {
			t.Errorf("after one left: %s", got)
		}
		if _, err := r.Get(t.Context(), "b"); !errors.Is(err, drayhorse.ErrNotFound) {
			t.Errorf("the one that left: %v", err)
		}
	})
}

func TestWorkersThatAreNotHeardOfAreDropped(t *testing.T) {
	conform(t, func(t *testing.T, r *Registry) {
		r.announce(t, Worker{ID: "dead"}, Worker{ID: "ahead"}, Worker{ID: "late"}, Worker{ID: "well"})
		r.shift(t, "dead", -Expiry)
		r.shift(t, "ahead", time.Hour) // the clock has fallen back since
		r.shift(t, "late", -Expiry+5*time.Second)
		if got := r.ids(t); got != "[late well]" {
			t.Errorf("got %s", got)
		}
		if _, err := r.Get(t.Context(), "dead"); !errors.Is(err, drayhorse.ErrNotFound) {
			t.Errorf("the dead one: %v", err)
		}
		r.announce(t, Worker{ID: "well"})
		if n := r.client.HLen(t.Context(), r.keys[0]).Val(); n != 2 {
			t.Errorf("%d rows are kept; want 2", n)
		}
		for _, key := range r.keys[:2] {
			if ttl := r.client.PTTL(t.Context(), key).Val(); ttl <= 0 || ttl > Expiry {
				t.Errorf("%s expires in %v", key, ttl)
			}
		}
	})
}

func TestManyWorkersAreListedOnce(t *testing.T) {
	conform(t, func(t *testing.T, r *Registry) {
		const n = 700
		pipe := r.client.Pipeline()
		now := float64(time.Now().Add(-time.Second).UnixMilli())
		for i := range n {
			id := fmt.Sprintf("w%03d", i)
			pipe.HSet(t.Context(), r.keys[0], id, fmt.Sprintf(`{"id":%q,"of_a_later_version":1}`, id))
			pipe.ZAdd(t.Context(), r.keys[1], goredis.Z{Score: now, Member: id})
		}
		if _, err := pipe.Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		workers, err := r.List(t.Context())
		if err != nil || len(workers) != n || workers[n-1].ID != "w699" {
			t.Errorf("%d workers, %v; want %d", len(workers), err, n)
		}
	})
}

// TestAnnouncingTellsWhetherSomebodyListens to events, whose key is another package's.
func TestAnnouncingTellsWhetherSomebodyListens(t *testing.T) {
	conform(t, func(t *testing.T, r *Registry) {
		for until, want := range map[time.Duration]bool{0: false, -time.Second: false, time.Minute: true} {
			if until != 0 {
				if err := r.client.HSet(t.Context(), r.keys[2], "until", time.Now().Add(until).UnixMilli()).Err(); err != nil {
					t.Fatal(err)
				}
			}
			left, err := r.Announce(t.Context(), &Worker{ID: "a"})
			if err != nil || (left > 0) != want || left > until && want {
				t.Errorf("until %v: %v, %v", until, left, err)
			}
			r.client.Del(t.Context(), r.keys[2])
		}
	})
}
