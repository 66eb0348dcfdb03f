package jobs

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
)

// keys gives all keys of the rig's namespace but the registry.
func (r *rig) keys() []string {
	r.t.Helper()
	var all []string
	scan := func(node goredis.Cmdable) {
		keys, err := node.Keys(r.ctx, r.namespace+":*").Result()
		r.must(err)
		all = append(all, keys...)
	}
	if cluster, ok := r.client.UniversalClient.(*goredis.ClusterClient); ok {
		nodes, err := cluster.ClusterSlots(r.ctx).Result() //nolint:staticcheck // the master stands first
		r.must(err)
		for _, n := range nodes {
			node := goredis.NewClient(&goredis.Options{Addr: n.Nodes[0].Addr, Protocol: 2})
			scan(node)
			_ = node.Close()
		}
	} else {
		scan(r.client)
	}
	return slices.DeleteFunc(all, func(key string) bool { return key == r.registryKey() })
}

func TestADeletedQueueLeavesNoKey(t *testing.T) {
	conform(t, func(r *rig) {
		stay, err := r.Queue(r.ctx, "q.stays") // with a name that begins alike
		r.must(err)
		lane := NewWriter(stay[0])
		_, err = lane.Enqueue(r.ctx, r.newJob(ownID("stays")))
		r.must(err)
		lane.Close()
		before := len(r.keys())

		for _, p := range r.parts {
			lane := NewWriter(p)
			id, err := NewID(p)
			r.must(err)
			_, err = lane.Enqueue(r.ctx, r.newJob(func(j *NewJob) { j.ID = id }), r.newJob(ownID(fmt.Sprint("own", p.Index)), retained), r.newJob(in(1e9), func(j *NewJob) { j.ID = "" }))
			r.must(err)
			lane.Close()
		}
		l := r.newLease()
		claims := r.turn(l, 10).Claims
		got := r.DropQueues(r.ctx, false, "q", "nowhere", "a/b")
		if !errors.Is(got[0].Err, drayhorse.ErrNotEmpty) || !errors.Is(got[1].Err, drayhorse.ErrNotFound) || !errors.Is(got[2].Err, drayhorse.ErrQueueInvalid) {
			r.t.Errorf("got %v; want live jobs, not found, invalid", got)
		}
		want := 3 * len(r.parts)
		if !strings.Contains(got[0].Err.Error(), fmt.Sprint(want, " live jobs")) || r.row() == "" {
			r.t.Errorf("%v, and the row is %q; want %d live jobs", got[0].Err, r.row(), want)
		}
		if got := r.DropQueues(r.ctx, true, "q")[0]; got.Err != nil || got.Jobs != want {
			r.t.Errorf("by force: %d jobs, %v; want %d", got.Jobs, got.Err, want)
		}
		if after := r.keys(); len(after) != before {
			r.t.Errorf("keys %q; want the %d of q.stays", after, before)
		}
		r.wantError(r.tryTurn(&Turn{Lease: l, Finishes: []Finish{claims[0].finish(Complete)}}), drayhorse.ErrLeaseLost)
		_, err = r.part.Sweep(r.ctx) // as workers that do not know yet
		r.must(err)
		r.turn(r.newLease(), 10)
		r.must(r.part.Resume(r.ctx, Pause{}))
		if after := r.keys(); len(after) != before {
			r.t.Errorf("a look at what is gone leaves keys: %q", after)
		}
		if _, err := stay[0].Get(r.ctx, "stays"); err != nil {
			r.t.Error(err)
		}
	})
}

func TestAQueueThatCannotBeReadCanBeDeleted(t *testing.T) {
	conform(t, func(r *rig) {
		r.enqueue(r.newJob())
		r.must(r.client.HSet(r.ctx, r.registryKey(), "q", "broken").Err())
		other := New(r.client, r.namespace)
		r.wantError(other.DropQueues(r.ctx, false, "q")[0].Err, drayhorse.ErrNotEmpty)
		if got := other.DropQueues(r.ctx, true, "q")[0]; got.Err != nil || got.Jobs != 1 {
			r.t.Errorf("by force: %d jobs, %v; want 1", got.Jobs, got.Err)
		}
		if after := r.keys(); len(after) != 0 || r.row() != "" {
			r.t.Errorf("keys %q and the row %q are left", after, r.row())
		}
	})
}

// TestTenThousandQueues are made, used and deleted, and nothing of them is left.
func TestTenThousandQueues(t *testing.T) {
	t.Parallel()
	const n = 10_000
	r, server := manyQueues(t, n)
	names := []string{"q"}
	queues, err := r.Queues(r.ctx)
	r.must(err)
	for i, partitions := range queues {
		if i%100 == 0 {
			lane := NewWriter(partitions[0])
			_, err := lane.Enqueue(r.ctx, r.newJob())
			r.must(err)
			lane.Close()
		}
		names = append(names, partitions[0].Queue)
	}
	other := New(r.client, r.namespace)
	for _, d := range other.DropQueues(r.ctx, true, names[1:]...) {
		r.must(d.Err)
	}
	changes, err := r.KeepAll(r.ctx)
	if err != nil || len(changes) != n+1 {
		t.Errorf("%d changes, %v; want %d", len(changes), err, n+1)
	}
	if len(r.queues)+len(other.queues) > 0 {
		t.Errorf("%d and %d queues are known still", len(r.queues), len(other.queues))
	}
	keys, err := server.Client(t).Keys(r.ctx, "*").Result()
	r.must(err)
	if rows := server.Client(t).HGetAll(r.ctx, r.registryKey()).Val(); len(keys) != 1 || len(rows) != 1 || rows[""] == "" {
		t.Errorf("keys %q and rows %v are left; want the time of the last deletion alone", keys, rows)
	}
}

// TestADeletedQueueIsForgotten by every process that knows it, and written again by
// none, unless something is put in.
func TestADeletedQueueIsForgotten(t *testing.T) {
	conform(t, func(r *rig) {
		other := New(r.client, r.namespace)
		_, err := other.Queue(r.ctx, "q")
		r.must(err)
		r.must(other.DropQueues(r.ctx, false, "q")[0].Err)
		changes, err := r.KeepSome(r.ctx)
		if err != nil || len(changes) != 1 || changes[0].Queue != "q" || changes[0].Partitions != nil {
			r.t.Errorf("changes %v, %v; want q to be gone", changes, err)
		}
		if _, known := r.Known("q"); known || len(r.queues) > 0 {
			r.t.Errorf("%d queues are known still", len(r.queues))
		}
		if row := r.row(); row != "" {
			r.t.Errorf("it has the row %q", row)
		}
		_, err = r.Lookup(r.ctx, "q")
		r.wantError(err, drayhorse.ErrNotFound)

		r.enqueue(r.newJob()) // by a producer that has not heard of it yet
		changes, err = r.Keep(r.ctx, r.parts)
		if err != nil || len(changes) != 1 || len(changes[0].Partitions) != len(r.parts) {
			r.t.Errorf("changes %v, %v; want q to be there again", changes, err)
		}
		if row := r.row(); row != fmt.Sprint(len(r.parts)) {
			r.t.Errorf("it has the row %q, want %d", row, len(r.parts))
		}
	})
}

// TestAQueueMadeAnewIsSmaller: who knows the one that was deleted follows, but not away
// from jobs.
func TestAQueueMadeAnewIsSmaller(t *testing.T) {
	conform(t, func(r *rig) {
		if len(r.parts) == 1 {
			return
		}
		remake := func() {
			r.t.Helper()
			other := New(r.client, r.namespace)
			r.must(other.DropQueues(r.ctx, true, "q")[0].Err)
			_, err := other.Queue(r.ctx, "q")
			r.must(err)
		}
		remake()
		r.enqueue(r.newJob()) // in the second partition
		changes, err := r.Keep(r.ctx, r.parts)
		if err != nil || len(changes) > 0 || r.row() != "3" {
			r.t.Errorf("changes %v, %v and %s partitions; want the 3 in which the job is", changes, err, r.row())
		}
		remake()
		changes, err = r.Keep(r.ctx, r.parts)
		if err != nil || len(changes) != 1 || len(changes[0].Partitions) != 1 || r.row() != "1" {
			r.t.Errorf("changes %v, %v and %s partitions; want 1", changes, err, r.row())
		}
	})
}
