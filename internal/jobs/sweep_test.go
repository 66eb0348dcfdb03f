package jobs

import (
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

func TestSweepByTime(t *testing.T) {
	conform(t, func(r *rig) {
		l := r.newLease()
		const n = purgeStep + 20
		r.fill(l, drayhorse.Completed, n)
		young := r.enqueue(r.newJob(ownID("young"), retained))[0]
		r.turn(l, 0, r.finishAll(r.turn(l, 1), Complete)...)
		old := time.Now().Add(-time.Minute)
		for id := range r.raw().hashes[colArchive] {
			if id != young {
				r.must(r.client.ZAdd(r.ctx, r.part.key(colCompleted), at(id, old)).Err())
			}
		}
		r.must(r.client.ZAdd(r.ctx, r.part.key(colSeen), at("old", old)).Err())
		swept, err := r.part.Sweep(r.ctx)
		if err != nil || swept.Removed != n || swept.Trimmed != 0 {
			r.t.Fatalf("swept %+v, %v; want %d", swept, err, n)
		}
		r.wantState(young, drayhorse.Completed)
		if seen := r.raw().scores[colSeen]; len(seen) != 1 {
			r.t.Errorf("seen = %v, want the young one", seen)
		}
	})
}

func TestSweepByNumber(t *testing.T) {
	conform(t, func(r *rig) {
		l := r.newLease()
		const n = 2*purgeStep + 30
		r.fill(l, drayhorse.Discarded, n)
		last := r.enqueue(r.newJob())[0]
		for !r.summary().Now.After(time.UnixMilli(maxScore(r.raw().scores[colDiscarded]) - modelMonth)) {
		}
		r.turn(l, 0, r.finishAll(r.turn(l, 1), Exhaust)...)
		swept, err := r.part.sweep(r.ctx, 10)
		if err != nil || swept.Removed != n-9 || swept.Trimmed != n-9 {
			r.t.Fatalf("swept %+v, %v; want all but 10 of %d", swept, err, n+1)
		}
		r.wantState(last, drayhorse.Discarded)
		if s := r.summary(); s.Discarded != 10 || s.Totals["trimmed"] != n-9 || s.Totals["discarded"] != n+1 {
			r.t.Errorf("summary = %+v", s)
		}
	})
}

func maxScore(scores map[string]int64) int64 {
	var highest int64
	for _, s := range scores {
		highest = max(highest, s)
	}
	return highest
}

func TestRetention(t *testing.T) {
	conform(t, func(r *rig) {
		l := r.newLease()
		long := func(j *NewJob) { j.Envelope.Retain = 60 * 24 * time.Hour }
		for _, c := range []struct {
			change  func(*NewJob)
			outcome Outcome
			kept    time.Duration
		}{
			{func(*NewJob) {}, Complete, 0},
			{retained, Complete, time.Hour},
			{retained, Exhaust, 30 * 24 * time.Hour},
			{func(*NewJob) {}, Cancel, 30 * 24 * time.Hour},
			{long, Exhaust, 60 * 24 * time.Hour},
		} {
			id := r.enqueue(r.newJob(c.change))[0]
			got := r.turn(l, 0, r.finishAll(r.turn(l, 1), c.outcome)...)
			var kept time.Duration
			for _, col := range keptColumns {
				if score, ok := r.raw().scores[col][id]; ok {
					kept = time.UnixMilli(score).Sub(got.Now)
				}
			}
			if kept != c.kept {
				r.t.Errorf("%s is kept for %v, want %v", c.outcome, kept, c.kept)
			}
		}
	})
}
