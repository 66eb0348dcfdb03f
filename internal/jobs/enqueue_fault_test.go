package jobs

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// TestLostEnqueueRepliesMakeNoCopy: the job is claimed, finished and gone before
// its enqueue is repeated.
func TestLostEnqueueRepliesMakeNoCopy(t *testing.T) {
	t.Parallel()
	r := newRig(t, sharedURL(t), 1)
	proxy := redistest.NewProxy(t, redistest.AddrOf(t, sharedURL(t)))
	far := r.another("redis://" + proxy.Addr + "/0" + redistest.Patient)
	far.enqueue(far.newJob()) // connects and loads the script
	l := r.newLease()
	r.turn(l, 0, r.turn(l, 1).Claims[0].finish(Complete))

	proxy.CutReplies(1, redistest.Contains(r.part.key(colAnswer)))
	job := r.newJob()
	done := make(chan error)
	go func() {
		_, err := far.writer.Enqueue(far.ctx, job)
		done <- err
	}()
	redistest.Eventually(t, 5*time.Second, "the enqueue is executed", func() bool { return len(r.raw().hashes[colJobs]) == 1 })
	r.turn(l, 0, r.turn(l, 1).Claims[0].finish(Complete))
	r.must(<-done)
	if s := r.summary(); proxy.Cuts() != 1 || s.Totals["enqueued"] != 2 || s.Totals["completed"] != 2 || s.Available != 0 {
		t.Fatalf("%d replies lost, %+v; want 1, and 2 jobs that completed", proxy.Cuts(), s)
	}
	r.checkSound()
}

func TestFullRedisRefusesEnqueuesAndDrains(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.WithConfig("maxmemory 12mb", "maxmemory-policy noeviction"))
	r := newRigOfOutages(t, server.URL, 1)
	l := r.newLease()
	enqueued := 0
	var err error
	for err == nil && enqueued < 1000 {
		if _, err = r.writer.Enqueue(r.ctx, r.newJob(sized(100<<10))); err == nil {
			enqueued++
		}
	}
	r.wantError(err, drayhorse.ErrFull)
	r.wantError(err, drayhorse.ErrUnavailable)
	if !strings.Contains(err.Error(), "enqueue") || enqueued == 0 {
		t.Fatalf("after %d jobs: %v", enqueued, err)
	}
	finished := 0
	for got := r.turn(l, 3); len(got.Claims) > 0; {
		var finishes []Finish
		for i := range got.Claims {
			finishes = append(finishes, got.Claims[i].finish([]Outcome{Complete, Cancel}[i%2]))
		}
		finished += len(finishes)
		got = r.turn(l, 3, finishes...)
	}
	if finished != enqueued {
		t.Fatalf("%d of %d jobs could be finished", finished, enqueued)
	}
	r.must(r.Beat(r.ctx, l)[0].Err)
	_, err = r.part.Purge(r.ctx, drayhorse.Cancelled)
	r.must(err)
	r.enqueue(r.newJob())
	r.checkSound()
}

func TestBrokenKeyStopsItsPartitionAlone(t *testing.T) {
	conform(t, func(r *rig) {
		other, err := r.Queue(r.ctx, "other")
		r.must(err)
		lane := NewWriter(other[0])
		defer lane.Close()
		_, err = lane.Enqueue(r.ctx, r.newJob())
		r.must(err)
		r.must(r.client.Set(r.ctx, r.part.key(colReady), "not a list", 0).Err())
		good := &Turn{Lease: NewLease(other[0], "good"), Want: 5}
		replies := r.RunTurns(r.ctx, &Turn{Lease: r.newLease(), Want: 5}, good)
		if err := replies[0].Err; err == nil || !strings.Contains(err.Error(), "WRONGTYPE") || errors.Is(err, drayhorse.ErrUnavailable) {
			r.t.Errorf("a broken partition: %v, want WRONGTYPE", err)
		}
		if replies[1].Err != nil || len(replies[1].Claims) != 1 {
			r.t.Errorf("its neighbour: %+v", replies[1])
		}
		if _, err := r.writer.Enqueue(r.ctx, r.newJob()); err == nil {
			r.t.Error("enqueue into a broken partition succeeded")
		}
		r.must(r.client.Del(r.ctx, r.part.key(colReady)).Err())
		if _, err := r.part.Resync(r.ctx); err != nil {
			r.t.Error(err)
		}
		if got := r.turn(r.newLease(), 5); got.Left != 0 {
			r.t.Errorf("after the repair: %+v", got)
		}
	})
}
