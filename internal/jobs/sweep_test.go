package jobs

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

func TestSweepByTime(t *testing.T) {
	conform(t, func(r *rig) {
		l := r.newLease()
		const n = sweepStep + 20
		r.fill(l, drayhorse.Completed, n)
		young := r.enqueue(r.newJob(ownID("young"), retained))[0]
		r.turn(l, 0, r.finishAll(r.turn(l, 1), Complete)...)
		old := time.Now().Add(-time.Minute)
		for id := range r.raw().hashes[colArchive] {
			if id != young {
				r.must(r.client.ZAdd(r.ctx, r.part.key(colExpiry), at(id, old)).Err())
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
		const n = 2*sweepStep + 30
		r.fill(l, drayhorse.Discarded, n)
		last := r.enqueue(r.newJob())[0]
		for !r.summary().Now.After(time.UnixMilli(maxScore(r.raw().scores[colDiscarded]))) {
		}
		r.turn(l, 0, r.finishAll(r.turn(l, 1), Exhaust)...)
		swept, err := r.part.sweep(r.ctx, 10, MaxArchivedBytes)
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
			if score, ok := r.raw().scores[colExpiry][id]; ok {
				kept = time.UnixMilli(score).Sub(got.Now)
			}
			if kept != c.kept {
				r.t.Errorf("%s is kept for %v, want %v", c.outcome, kept, c.kept)
			}
		}
	})
}

// TestShortRetentionIsNotCut: what ended last stays, however soon its time is over and
// however long the others are kept.
func TestShortRetentionIsNotCut(t *testing.T) {
	conform(t, func(r *rig) {
		l := r.newLease()
		long := func(j *NewJob) { j.Envelope.Retain = 60 * 24 * time.Hour }
		for range 20 {
			r.enqueue(r.newJob(long))
		}
		r.turn(l, 0, r.finishAll(r.turn(l, 20), Complete)...)
		last := r.summary().Now
		for !r.summary().Now.After(last) {
		}
		id := r.enqueue(r.newJob(retained))[0]
		r.turn(l, 0, r.finishAll(r.turn(l, 1), Complete)...)
		swept, err := r.part.sweep(r.ctx, 10, MaxArchivedBytes)
		if err != nil || swept.Trimmed != 11 {
			r.t.Fatalf("swept %+v, %v; want 11 of 21 trimmed", swept, err)
		}
		r.wantState(id, drayhorse.Completed)
	})
}

// TestSweepBesideTheFirstVersion, whose sweep removes what has a lower score than now: nothing that ended here has, and
// what it has ended goes when it is over; what ended before scores were so gets its own.
func TestSweepBesideTheFirstVersion(t *testing.T) {
	conform(t, func(r *rig) {
		l := r.newLease()
		var ids []string
		for range 4 {
			ids = append(ids, r.enqueue(r.newJob(retained))...)
		}
		r.turn(l, 0, r.finishAll(r.turn(l, 4), Complete)...)
		completed, now := r.part.key(colCompleted), r.summary().Now
		if n, err := r.client.ZCount(r.ctx, completed, "-inf", strconv.FormatInt(now.UnixMilli(), 10)).Result(); err != nil || n != 0 {
			r.t.Errorf("the first version would remove %d, %v", n, err)
		}
		// The first two as that has them, with the time when they are over; the third as it was before.
		r.must(r.client.ZAdd(r.ctx, completed, at(ids[0], now.Add(-time.Second)), at(ids[1], now.Add(time.Hour)), at(ids[2], now.Add(-time.Minute))).Err())
		r.must(r.client.ZRem(r.ctx, r.part.key(colExpiry), ids[0], ids[1]).Err())
		for round, want := range []int{1, 0} {
			if swept, err := r.part.Sweep(r.ctx); err != nil || swept.Removed != want || swept.Trimmed != 0 {
				r.t.Errorf("sweep %d: %+v, %v; want %d", round, swept, err, want)
			}
		}
		raw := r.raw()
		if _, left := raw.hashes[colArchive][ids[0]]; left || len(raw.scores[colCompleted]) != 3 {
			r.t.Errorf("left are %v", raw.scores[colCompleted])
		}
		if got := raw.scores[colCompleted][ids[2]]; got != now.Add(-time.Minute).UnixMilli() {
			r.t.Errorf("the score of what ended before is %d", got)
		}
		r.wantState(ids[1], drayhorse.Completed)
		r.wantState(ids[3], drayhorse.Completed)
		r.must(r.client.ZAdd(r.ctx, r.part.key(colExpiry), at(ids[1], now.Add(time.Hour))).Err()) // as all that is kept has it now
	})
}

// TestSweepByBytes has 2 MiB of dead letters with stacks, of which 1 MiB may stay.
func TestSweepByBytes(t *testing.T) {
	t.Parallel()
	r := newRig(t, sharedURL(t), 1)
	const n, limit = 200, 1 << 20
	l := r.newLease()
	var ids []string
	stack := &drayhorse.AttemptError{Attempt: 1, Message: "boom", Stack: strings.Repeat("s", maxStack)}
	for len(ids) < n {
		var jobs []*NewJob
		for range 50 {
			jobs = append(jobs, r.newJob(sized(2400)))
		}
		ids = append(ids, r.enqueue(jobs...)...)
		var finishes []Finish
		for _, c := range r.turn(l, 50).Claims {
			finishes = append(finishes, c.finish(Exhaust, func(f *Finish) { f.Error = stack }))
		}
		r.turn(l, 0, finishes...)
	}
	bytes := func() int64 {
		n, err := r.client.HGet(r.ctx, r.part.key(colMeta), "discarded_bytes").Int64()
		r.must(err)
		return n
	}
	before := bytes()
	swept, err := r.part.sweep(r.ctx, MaxArchived, limit)
	r.must(err)
	if after := bytes(); before < 2*limit || after > limit || after < limit-(20<<10) {
		t.Errorf("%d bytes of %d are left, want about %d", after, before, limit)
	}
	if s := r.summary(); swept.Trimmed < n/2-10 || s.Discarded != n-swept.Trimmed || s.Totals["trimmed"] != int64(swept.Trimmed) {
		t.Errorf("swept %+v of %d, summary %+v", swept, n, s)
	}
	if again, err := r.part.sweep(r.ctx, MaxArchived, limit); err != nil || again.Trimmed != 0 {
		t.Errorf("the next sweep: %+v, %v; want nothing to trim and to tell of", again, err)
	}
	r.wantState(ids[swept.Trimmed-50], "") // of one turn, which ended in one moment, any go first
	r.wantState(ids[swept.Trimmed+50], drayhorse.Discarded)
	r.checkSound()
}
