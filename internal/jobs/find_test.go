package jobs

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// tried gives the queues in which OnJob finds a job, if all but the last turn out not to
// know it.
func (r *rig) tried(queue, id string) (queues []string, err error) {
	r.t.Helper()
	err = r.OnJob(r.ctx, queue, id, func(p *Partition, _ string) error {
		queues = append(queues, p.Queue)
		return fmt.Errorf("%w: on purpose", drayhorse.ErrNotFound)
	})
	return queues, err
}

func TestAJobIsFoundWhereverItIs(t *testing.T) {
	conform(t, func(r *rig) {
		wide, err := r.CreateQueue(r.ctx, "wide", 8)
		r.must(err)
		put := func(p *Partition, id string) {
			lane := NewWriter(p)
			defer lane.Close()
			_, err := lane.Enqueue(r.ctx, r.newJob(ownID(id)))
			r.must(err)
		}
		put(PartitionOf(r.parts, "live"), "live")
		put(PartitionOf(r.parts, "ended"), "ended")
		r.must(PartitionOf(r.parts, "ended").Cancel(r.ctx, "ended"))
		put(wide[(partitionOf("odd", 8)+1)%8], "odd") // by one who takes it for another number of partitions
		for id, want := range map[string]string{"live": "q", "ended": "q", "odd": "wide"} {
			for _, in := range []string{"", want} {
				if queues, err := r.tried(in, id); !slices.Contains(queues, want) || !errors.Is(err, drayhorse.ErrNotFound) {
					r.t.Errorf("%s in %q: tried %v, %v; want %s", id, in, queues, err, want)
				}
			}
		}
		for _, in := range []string{"", "wide"} {
			_, err = r.tried(in, "nobody")
			r.wantError(err, drayhorse.ErrNotFound)
		}
	})
}

// TestABrokenQueueHidesNoJobOfAnother, and does not count as one that has not got it.
func TestABrokenQueueHidesNoJobOfAnother(t *testing.T) {
	conform(t, func(r *rig) {
		broken, err := r.Queue(r.ctx, "broken")
		r.must(err)
		r.must(r.client.Set(r.ctx, broken[0].key(colJobs), "x", 0).Err())
		id := UnpackID(r.enqueue(r.newJob())[0])
		if queues, _ := r.tried("", id); !slices.Equal(queues, []string{"q"}) {
			r.t.Errorf("tried %v; want q", queues)
		}
		_, err = r.tried("", "nobody")
		if err == nil || errors.Is(err, drayhorse.ErrNotFound) || !strings.Contains(err.Error(), "broken") {
			r.t.Errorf("err = %v; want the queue that could not be asked", err)
		}
	})
}

// TestALookUpAmongManyQueuesIsBounded: 2,000 queues are asked in few round trips.
func TestALookUpAmongManyQueuesIsBounded(t *testing.T) {
	t.Parallel()
	r, server := manyQueues(t, 2000)
	id := UnpackID(r.enqueue(r.newJob())[0])
	look := func() {
		if queues, _ := r.tried("", id); len(queues) != 1 {
			t.Errorf("found in %v", queues)
		}
	}
	look() // the scripts are loaded
	r.must(server.Client(t).ConfigResetStat(r.ctx).Err())
	look()
	info, err := server.Client(t).Info(r.ctx, "commandstats").Result()
	r.must(err)
	if !strings.Contains(info, "cmdstat_evalsha:calls=11,") { // 2,001 queues, 200 a call
		t.Errorf("it took other commands than 11 scripts: %s", info)
	}
}

// manyQueues is a rig with that many more queues on a server of its own.
func manyQueues(t testing.TB, n int) (*rig, *redistest.Server) {
	t.Helper()
	server := redistest.Start(t)
	client, err := redis.Open(redis.Config{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	e := New(client, "many")
	rows := []any{"q", 1}
	for i := range n {
		rows = append(rows, fmt.Sprintf("queue-%05d", i), 1)
	}
	if err := client.HSet(t.Context(), e.registryKey(), rows...).Err(); err != nil {
		t.Fatal(err)
	}
	parts, err := e.Lookup(t.Context(), "q")
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{Engine: e, ctx: t.Context(), parts: parts, part: parts[0], writer: NewWriter(parts[0])}
	r.t, _ = t.(*testing.T)
	t.Cleanup(r.writer.Close)
	return r, server
}

func BenchmarkLookUpAmong2000Queues(b *testing.B) {
	r, _ := manyQueues(b, 2000)
	for b.Loop() {
		_ = r.OnJob(r.ctx, "", "nobody", nil)
	}
}

// TestListingWritesWhatRedisHasForgotten: a look-up of a job finds what was put in
// since, before the next Keep.
func TestListingWritesWhatRedisHasForgotten(t *testing.T) {
	conform(t, func(r *rig) {
		r.lose()
		id := UnpackID(r.enqueue(r.newJob())[0])
		var got []string
		r.must(r.OnJob(r.ctx, "", id, func(p *Partition, _ string) error { got = append(got, p.Queue); return nil }))
		if !slices.Equal(got, []string{"q"}) || r.row() == "" {
			r.t.Errorf("found in %v, and the row is %q", got, r.row())
		}
	})
}
