package jobs

import (
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

func (r *rig) setDepth(most int) {
	r.t.Helper()
	r.must(SetMaxDepth(r.ctx, []*Partition{r.part}, most))
}

// refused enqueues jobs in one call and says of which there was no room.
func (r *rig) refused(jobs ...*NewJob) []bool {
	r.t.Helper()
	stored, err := r.writer.Enqueue(r.ctx, jobs...)
	r.must(err)
	refused := make([]bool, len(jobs))
	for i, s := range stored {
		refused[i] = s.Full
		if s.Full && s.Duplicate {
			r.t.Errorf("stored = %+v; want no duplicate", s)
		}
		if s.Full != (r.jobCount(jobs[i].ID) == 0) && !s.Duplicate {
			r.t.Errorf("stored = %+v; the job is there: %v", s, !s.Full)
		}
	}
	return refused
}

func (r *rig) wantRefused(got []bool, want ...bool) {
	r.t.Helper()
	for i := range want {
		if got[i] != want[i] {
			r.t.Fatalf("refused %v; want %v", got, want)
		}
	}
}

// TestAFullQueueStoresNothing: what waits, for a worker or its time, and what runs counts; as
// many as there is room for go in.
func TestAFullQueueStoresNothing(t *testing.T) {
	conform(t, func(r *rig) {
		r.setDepth(3)
		r.wantRefused(r.refused(r.newJob(), r.newJob(in(time.Hour)), r.newJob(), r.newJob(), r.newJob(in(time.Hour))), false, false, false, true, true)
		r.wantRefused(r.refused(r.newJob(), r.newJob()), true, true)
		l := r.newLease()
		claims := r.turn(l, 1).Claims
		r.wantRefused(r.refused(r.newJob()), true)
		r.turn(l, 0, complete(claims)...)
		r.wantRefused(r.refused(r.newJob(), r.newJob()), false, true)
		stored, err := r.writer.Enqueue(r.ctx, r.newJob())
		r.must(err)
		r.wantError(r.part.FullError(stored...), drayhorse.ErrQueueFull)
		if s := r.summary(); s.MaxDepth != 3 || s.Totals["refused"] != 7 || s.Totals["enqueued"] != 4 {
			r.t.Errorf("depth %d, totals %v; want 3, 7 refused, 4 enqueued", s.MaxDepth, s.Totals)
		}
		r.setDepth(0)
		r.wantRefused(r.refused(r.newJob(), r.newJob()), false, false)
	})
}

// TestAFullQueueKnowsItsOwn: a repeat of an ID, a unique job and one that takes another's
// place need no room; neither a retry nor what comes back from the archive does.
func TestAFullQueueKnowsItsOwn(t *testing.T) {
	conform(t, func(r *rig) {
		first := uniquely(drayhorse.UniqueBy{Conflict: drayhorse.KeepLast})
		id := r.wantNew(first)
		r.enqueue(r.newJob(ownID("own")))
		ended := r.enqueue(r.newJob())[0]
		r.must(r.part.Cancel(r.ctx, ended))
		r.setDepth(2)
		if got := r.duplicates(r.newJob(ownID("own"))); !got[0] {
			r.t.Error("a job that is there is no duplicate")
		}
		r.wantOther(id, first)
		another := r.newJob(uniquely(drayhorse.UniqueBy{Key: "another"}))
		r.wantRefused(r.refused(another, r.newJob(ownID("new"))), true, true)
		r.must(r.part.Retry(r.ctx, ended))
		r.setDepth(4)
		r.wantRefused(r.refused(another), false) // its key is free, as its ID is
	})
}

func TestMaxDepthIsDivided(t *testing.T) {
	conform(t, func(r *rig) {
		parts, err := r.CreateQueue(r.ctx, "divided", 3)
		r.must(err)
		r.must(SetMaxDepth(r.ctx, parts, 11))
		for i, want := range []int{4, 4, 3} {
			if s, err := parts[i].Summary(r.ctx); err != nil || s.MaxDepth != want {
				r.t.Errorf("partition %d may have %d, %v; want %d", i, s.MaxDepth, err, want)
			}
		}
		for _, most := range []int{-1, 1, 2, MaxDepth + 1} {
			r.wantError(SetMaxDepth(r.ctx, parts, most), drayhorse.ErrInvalid)
		}
		r.must(SetMaxDepth(r.ctx, parts, 0))
		if s, err := parts[0].Summary(r.ctx); err != nil || s.MaxDepth != 0 {
			r.t.Errorf("may have %d, %v; want any number", s.MaxDepth, err)
		}
	})
}
