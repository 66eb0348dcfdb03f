package jobs

import (
	"fmt"
	"testing"
)

// row is what the registry says of queue q.
func (r *rig) row() string {
	r.t.Helper()
	return asString(r.client.HMGet(r.ctx, r.registryKey(), "q").Val()[0])
}

// lose takes the registry away, as an empty restart of Redis does.
func (r *rig) lose() {
	r.t.Helper()
	r.must(r.client.Del(r.ctx, r.registryKey()).Err())
}

// keeps runs KeepSome, which must change nothing for this process.
func (r *rig) keeps() {
	r.t.Helper()
	changes, err := r.KeepSome(r.ctx)
	if err != nil || len(changes) > 0 {
		r.t.Errorf("keep: %v, %v; want no change", changes, err)
	}
}

func TestKeepWritesWhatRedisHasForgotten(t *testing.T) {
	conform(t, func(r *rig) {
		for i := range keepAtOnce { // more than one call of KeepSome looks at
			r.remember(fmt.Sprint("other", i), 1, 0)
		}
		r.lose()
		r.keeps()
		want := fmt.Sprint(len(r.parts))
		if got := r.row(); got != want {
			r.t.Errorf("q has the row %q, want %s", got, want)
		}
		if n := r.client.HLen(r.ctx, r.registryKey()).Val(); n != keepAtOnce+1 {
			r.t.Errorf("%d rows, want all %d", n, keepAtOnce+1)
		}
		r.must(r.client.HSet(r.ctx, r.registryKey(), "q", "broken").Err())
		_, err := r.KeepAll(r.ctx)
		r.must(err)
		if got := r.row(); got != want {
			r.t.Errorf("q has the row %q, want %s", got, want)
		}
	})
}

// TestTheLargerNumberOfPartitionsHolds: whoever comes to an empty Redis takes a queue
// for one of one partition.
func TestTheLargerNumberOfPartitionsHolds(t *testing.T) {
	conform(t, func(r *rig) {
		wide, err := r.CreateQueue(r.ctx, "wide", 8)
		r.must(err)
		r.lose()
		late := New(r.client, r.namespace)
		one, err := late.Queue(r.ctx, "wide")
		if err != nil || len(one) != 1 {
			r.t.Fatalf("%d partitions, %v", len(one), err)
		}
		r.keeps()
		changes, err := late.KeepSome(r.ctx)
		if err != nil || len(changes) != 1 || changes[0].Queue != "wide" || len(changes[0].Partitions) != len(wide) || changes[0].Partitions[0] != one[0] {
			r.t.Fatalf("changes %v, %v; want wide to have %d partitions, of which the first is known", changes, err, len(wide))
		}
		for i, p := range changes[0].Partitions {
			id, err := NewID(p)
			if r.must(err); partitionOf(id, 8) != i {
				r.t.Errorf("an ID made for partition %d belongs in %d", i, partitionOf(id, 8))
			}
		}
		if changes, err := late.KeepSome(r.ctx); err != nil || len(changes) > 0 {
			r.t.Errorf("again: %v, %v", changes, err)
		}
	})
}
