package jobs

import (
	"slices"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

func TestReleasedJobsComeNext(t *testing.T) {
	conform(t, func(r *rig) {
		ids := r.enqueue(r.newJob(), r.newJob(), r.newJob())
		l := r.newLease()
		c := r.turn(l, 2).Claims
		r.claimed(r.turn(l, 3, c[0].finish(Release)), ids[0], ids[2])
	})
}

func TestSnoozeCostsNoAttempt(t *testing.T) {
	conform(t, func(r *rig) {
		id := r.enqueue(r.newJob())[0]
		l := r.newLease()
		got := r.turn(l, 1)
		got = r.turn(l, 1, got.Claims[0].finish(Snooze, func(f *Finish) { f.Delay = time.Hour }))
		info := r.info(id)
		if info.State != drayhorse.Scheduled || info.Attempt != 1 || !info.DueAt.Equal(got.Now.Add(time.Hour)) {
			r.t.Fatalf("info = %+v, want scheduled in an hour, at the first attempt", info)
		}
		if len(got.Claims) != 0 || !got.NextDue.Equal(info.DueAt) {
			r.t.Fatalf("turned = %+v, want nothing but the time", got)
		}
	})
}

func TestDueJobsArePromotedInOrder(t *testing.T) {
	conform(t, func(r *rig) {
		l := r.newLease()
		ids := r.enqueue(r.newJob(in(time.Hour)), r.newJob(in(time.Minute)), r.newJob())
		r.turn(l, 1)
		now := r.summary().Now
		r.must(r.client.ZAdd(r.ctx, r.part.key(colScheduled),
			at(ids[0], now.Add(-time.Second)), at(ids[1], now.Add(-2*time.Second))).Err())
		r.claimed(r.turn(l, 5), ids[1], ids[0])
	})
}

func TestPromotionIsBounded(t *testing.T) {
	conform(t, func(r *rig) {
		var jobs []*NewJob
		for range 150 {
			jobs = append(jobs, r.newJob(in(time.Millisecond)))
		}
		jobs = append(jobs, r.newJob(func(j *NewJob) { j.At = time.Now().Add(time.Hour) }))
		r.enqueue(jobs...)
		start := r.summary().Now
		for !r.summary().Now.After(start.Add(2 * time.Millisecond)) {
		}
		l := r.newLease()
		if got := r.turn(l, 10); len(got.Claims) != 10 || got.Left != 90 {
			r.t.Fatalf("%d claims and %d left, want 10 of the first 100", len(got.Claims), got.Left)
		}
		if got := r.turn(l, 10); got.Left != 130 {
			r.t.Fatalf("%d left, want the other 50 too", got.Left)
		}
	})
}

func TestLanesKeepKindsApart(t *testing.T) {
	conform(t, func(r *rig) {
		kinds := []string{"a", "a0", "a-b", "A", "b"}
		var jobs []*NewJob
		for range 2 {
			for _, k := range kinds {
				jobs = append(jobs, r.newJob(kind(k)))
			}
		}
		ids := r.enqueue(jobs...)
		l := r.newLease()
		var finishes []Finish
		for i, c := range r.turn(l, 100).Claims {
			finishes = append(finishes, c.finish(Divert, func(f *Finish) { f.Lane = kinds[i%len(kinds)] }))
		}
		got := r.turn(l, 100, finishes...)
		if len(got.Claims) != 0 || !equalSets(got.Lanes, kinds) {
			r.t.Fatalf("claims %v, lanes %v; want no claim of what was diverted, and lanes of %v", got.Claims, got.Lanes, kinds)
		}
		for i, k := range kinds {
			reply := r.RunTurns(r.ctx, &Turn{Lease: l, Want: 100, Lanes: []string{k}})[0]
			r.must(reply.Err)
			r.claimed(reply.Turned, ids[i], ids[i+len(kinds)])
		}
		if s := r.summary(); s.Parked != 0 || s.Running != 10 || s.Totals["diverted"] != 10 {
			r.t.Fatalf("summary = %+v", s)
		}
		if o := r.Observe(r.ctx, r.part)[0]; len(o.Lanes) != 0 {
			r.t.Fatalf("lanes %v are left", o.Lanes)
		}
	})
}

func TestDivertCostsNoAttempt(t *testing.T) {
	conform(t, func(r *rig) {
		id := r.enqueue(r.newJob())[0]
		l := r.newLease()
		r.turn(l, 0, r.turn(l, 1).Claims[0].finish(Divert, func(f *Finish) { f.Lane = "k" }))
		if info := r.info(id); info.State != drayhorse.Available || info.Attempt != 1 {
			r.t.Fatalf("info = %+v, want available at the first attempt", info)
		}
		r.must(r.part.Cancel(r.ctx, id))
		r.wantState(id, drayhorse.Cancelled)
	})
}

func TestClaimsStayWithinTheirBytes(t *testing.T) {
	conform(t, func(r *rig) {
		const kb = 1 << 10
		var jobs []*NewJob
		for _, size := range []int{100, 300 * kb, 300 * kb, 300 * kb, 300 * kb, 50, 3000 * kb, 10, 20} {
			jobs = append(jobs, r.newJob(sized(size)))
		}
		ids := r.enqueue(jobs...)
		if n, _ := r.client.HGet(r.ctx, r.part.key(colMeta), "large").Int(); n != 1 {
			r.t.Fatal("the queue does not say that it holds large envelopes")
		}
		l := r.newLease()
		for _, want := range [][]string{ids[:4], ids[4:6], ids[6:7], ids[7:]} {
			got := r.turn(l, 100)
			r.claimed(got, want...)
			for i := range got.Claims {
				if e, err := DecodeEnvelope(got.Claims[i].Envelope); err != nil || len(e.Args) != len(jobs[slices.Index(ids, want[i])].Envelope.Args) {
					r.t.Fatalf("claim %d has another job's envelope: %v", i, err)
				}
			}
		}
	})
}

func TestTurnLimitsItsClaims(t *testing.T) {
	conform(t, func(r *rig) {
		var jobs []*NewJob
		for range MaxClaims + 10 {
			jobs = append(jobs, r.newJob())
		}
		r.enqueue(jobs...)
		l := r.newLease()
		got := r.turn(l, 10_000)
		if len(got.Claims) != MaxClaims || got.Left != 10 {
			r.t.Fatalf("%d claims and %d left, want %d and 10", len(got.Claims), got.Left, MaxClaims)
		}
		var finishes []Finish
		for i := range got.Claims[:MaxFinishes] {
			finishes = append(finishes, got.Claims[i].finish(Complete, func(f *Finish) { f.Keep = i%2 == 0 }))
		}
		if got = r.turn(l, 0, finishes...); len(got.Rejected) != 0 {
			r.t.Fatalf("%d finishes were refused", len(got.Rejected))
		}
		if s := r.summary(); s.Totals["completed"] != MaxFinishes || s.Running != 0 {
			r.t.Fatalf("summary = %+v", s)
		}
	})
}

func TestTurnRingsForWhatIsLeft(t *testing.T) {
	conform(t, func(r *rig) {
		r.enqueue(r.newJob(), r.newJob())
		l := r.newLease()
		r.takeBell()
		r.turn(l, 1)
		if !r.takeBell() {
			r.t.Error("a job is left and the bell is silent")
		}
		r.turn(l, 1)
		if r.takeBell() {
			r.t.Error("nothing is left and the bell rings")
		}
	})
}

func TestPauseStopsClaimsAlone(t *testing.T) {
	conform(t, func(r *rig) {
		ids := r.enqueue(r.newJob(), r.newJob())
		l := r.newLease()
		c := r.turn(l, 1).Claims[0]
		r.must(r.part.Pause(r.ctx, Pause{}))
		r.must(r.part.Pause(r.ctx, Pause{}))
		r.takeBell()
		got := r.turn(l, 5, c.finish(Complete))
		if len(got.Rejected)+len(got.Claims)+got.Left != 0 || r.takeBell() {
			r.t.Fatalf("paused: %+v; want the finish taken, no claim and no bell", got)
		}
		if s := r.summary(); !s.Paused || s.Totals["completed"] != 1 {
			r.t.Fatalf("summary = %+v", s)
		}
		if o := r.Observe(r.ctx, r.part)[0]; !o.Paused || o.Ready != 1 {
			r.t.Fatalf("observation = %+v", o)
		}
		r.must(r.part.Ring(r.ctx))
		if r.takeBell() {
			r.t.Fatal("the bell rings for a paused queue")
		}
		r.must(r.part.Resume(r.ctx, Pause{}))
		if !r.takeBell() {
			r.t.Fatal("resume does not ring for what waits")
		}
		r.claimed(r.turn(l, 5), ids[1])
		r.must(r.part.Resume(r.ctx, Pause{}))
		if r.takeBell() {
			r.t.Fatal("resume rings for nothing")
		}
	})
}

func TestTurnsLookAtOtherPartitions(t *testing.T) {
	conform(t, func(r *rig) {
		other, err := r.CreateQueue(r.ctx, "other", 1)
		r.must(err)
		lane := NewWriter(other[0])
		defer lane.Close()
		_, err = lane.Enqueue(r.ctx, r.newJob(), r.newJob())
		r.must(err)
		id := r.enqueue(r.newJob())[0]
		look := []*Partition{other[0], r.part}
		replies, lengths := r.RunTurnsAndLook(r.ctx, []*Turn{{Lease: r.newLease(), Want: 1}}, look)
		r.must(replies[0].Err)
		r.claimed(replies[0].Turned, id)
		if len(lengths) != 2 || lengths[0] != 2 {
			r.t.Errorf("lengths = %v, want 2 in the other queue", lengths)
		}
		r.must(other[0].Pause(r.ctx, Pause{}))
		if _, lengths = r.RunTurnsAndLook(r.ctx, nil, look); !slices.Equal(lengths, []int{0, 0}) {
			r.t.Errorf("lengths = %v, want none of a paused and an empty queue", lengths)
		}
	})
}

func equalSets(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}
