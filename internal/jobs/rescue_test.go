package jobs

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse"
)

func TestRenewedLeaseIsLeftAlone(t *testing.T) {
	conform(t, func(r *rig) {
		id := r.enqueue(r.newJob())[0]
		l := r.newLease()
		c := r.turn(l, 1).Claims[0]
		watched := r.score(l)
		watched.Value = fmt.Sprint(asInt(watched.Value) - 1)
		rescued, err := r.part.Rescue(r.ctx, []Score{watched, {"gone", "17"}})
		if err != nil || rescued.Jobs != 0 {
			r.t.Fatalf("rescued %+v, %v; want nothing", rescued, err)
		}
		r.wantState(id, drayhorse.Running)
		if got := r.turn(l, 0, c.finish(Complete)); len(got.Rejected) != 0 {
			r.t.Fatal("a healthy worker lost its job")
		}
	})
}

func TestRescueWalksInSteps(t *testing.T) {
	conform(t, func(r *rig) {
		dead, alive := r.newLease(), r.newLease()
		const each = 700 // two steps
		for _, l := range []*Lease{dead, alive} {
			var jobs []*NewJob
			for range each {
				jobs = append(jobs, r.newJob())
			}
			r.enqueue(jobs...)
			for claimed := 0; claimed < each; {
				claimed += len(r.turn(l, MaxClaims).Claims)
			}
		}
		r.takeBell()
		if rescued := r.kill(dead); rescued.Jobs != each || len(rescued.Discarded) != 0 {
			r.t.Fatalf("rescued %+v, want %d", rescued, each)
		}
		if s := r.summary(); s.Running != each || s.Available != each || s.Leases != 1 || s.Totals["rescued"] != each {
			r.t.Fatalf("summary = %+v", s)
		}
		if !r.takeBell() {
			r.t.Error("jobs are back in line and the bell is silent")
		}
	})
}

func TestAbandonedRescueIsTakenUp(t *testing.T) {
	conform(t, func(r *rig) {
		ids := r.enqueue(r.newJob(), r.newJob(), r.newJob())
		l := r.newLease()
		r.turn(l, 3)
		s := r.score(l)
		_, err := r.part.run(r.ctx, rescueScript, "0", 1, s.Lease, s.Value)
		r.must(err)
		again := r.newLease()
		for range 2 { // whoever observes it next, goes through all of it
			if o := r.Observe(r.ctx, r.part)[0]; len(o.Leases) > 0 {
				_, err = r.part.Rescue(r.ctx, o.Leases)
				r.must(err)
			}
		}
		if got := r.turn(again, 5); len(got.Claims) != len(ids) {
			r.t.Fatalf("%d claims, want %d", len(got.Claims), len(ids))
		}
	})
}

func TestJobsOfForgottenLeasesAreRescuedToo(t *testing.T) {
	conform(t, func(r *rig) {
		r.enqueue(r.newJob(), r.newJob())
		lost, dead := r.newLease(), r.newLease()
		r.turn(lost, 1)
		r.turn(dead, 1)
		r.must(r.Leave(r.ctx, lost)) // which nobody does who holds jobs
		if rescued := r.kill(dead); rescued.Jobs != 2 {
			r.t.Fatalf("rescued %+v, want both", rescued)
		}
	})
}

func TestSuspectsRunOneAtATime(t *testing.T) {
	conform(t, func(r *rig) {
		r.enqueue(r.newJob(), r.newJob())
		for range suspectRescues {
			l := r.newLease()
			r.turn(l, 2)
			r.kill(l)
		}
		if s := r.summary(); s.Suspects != 2 || s.Available != 2 {
			r.t.Fatalf("summary = %+v, want two suspects", s)
		}
		innocent := r.enqueue(r.newJob())[0]
		careful := r.newLease()
		reply := r.RunTurns(r.ctx, &Turn{Lease: careful, Want: 5})[0]
		r.must(reply.Err)
		r.claimed(reply.Turned, innocent)
		l := r.newLease()
		got := r.turn(l, 5)
		if len(got.Claims) != 1 || !got.Claims[0].Suspect() || got.Claims[0].Rescued != suspectRescues {
			r.t.Fatalf("claims = %+v, want one suspect", got.Claims)
		}
		if info := r.info(got.Claims[0].ID); info.Attempt != 1 || info.Rescues != 2 {
			r.t.Fatalf("info = %+v; a rescue costs no attempt", info)
		}
	})
}

// TestHandlerThatReturnedClearsItsJob: one that was handed back without a word from its
// handler stays a suspect.
func TestHandlerThatReturnedClearsItsJob(t *testing.T) {
	conform(t, func(r *rig) {
		for outcome, stays := range map[Outcome]bool{Release: true, Fail: false, Snooze: false} {
			id := r.enqueue(r.newJob())[0]
			r.suspect(id)
			l := r.newLease()
			r.turn(l, 0, r.turn(l, 1).Claims[0].finish(outcome))
			got := r.turn(l, 5)
			r.claimed(got, id)
			if got.Claims[0].Suspect() != stays || r.summary().Suspects != 0 {
				r.t.Fatalf("%s: claim %+v; want it a suspect: %v", outcome, got.Claims[0], stays)
			}
			r.turn(l, 0, got.Claims[0].finish(Release))
			if n := r.summary().Suspects; (n == 1) != stays {
				r.t.Fatalf("%s: %d suspects wait; want it to: %v", outcome, n, stays)
			}
			r.must(r.part.Delete(r.ctx, id))
		}
	})
}

func TestThirdRescueDiscardsWithTheReason(t *testing.T) {
	conform(t, func(r *rig) {
		id := r.enqueue(r.newJob())[0]
		l := r.newLease()
		boom := &drayhorse.AttemptError{Attempt: 1, Message: "boom"}
		r.turn(l, 0, r.turn(l, 1).Claims[0].finish(Fail, func(f *Finish) { f.Error = boom }))
		for range suspectRescues {
			l := r.newLease()
			r.turn(l, 1)
			r.kill(l)
		}
		dead := r.newLease()
		r.turn(dead, 1)
		if rescued := r.kill(dead); rescued.Jobs != 1 || !slices.Equal(rescued.Discarded, []string{id}) {
			r.t.Fatalf("rescued %+v, want one poisoned", rescued)
		}
		info := r.info(id)
		if info.State != drayhorse.Discarded || info.Rescues != 3 || info.Attempt != 2 || len(info.Errors) != 2 {
			r.t.Fatalf("info = %+v, want discarded in its second attempt", info)
		}
		if last := info.Errors[1]; last.Attempt != 2 || !strings.Contains(last.Message, "poisoned: 3 workers") {
			r.t.Errorf("reason = %+v", last)
		}
		if s := r.summary(); s.Totals["poisoned"] != 1 || s.Totals["rescued"] != 3 || s.Suspects != 0 {
			r.t.Errorf("summary = %+v", s)
		}
		r.must(r.part.Retry(r.ctx, id))
		if got := r.turn(r.newLease(), 1); len(got.Claims) != 1 || got.Claims[0].Rescued != 0 || got.Claims[0].Failed != 0 {
			r.t.Errorf("retried: %+v, want it with a clean slate", got.Claims)
		}
	})
}

func TestRescueHonoursCancels(t *testing.T) {
	conform(t, func(r *rig) {
		id := r.enqueue(r.newJob())[0]
		l := r.newLease()
		r.turn(l, 1)
		r.must(r.part.Cancel(r.ctx, id))
		if rescued := r.kill(l); rescued.Jobs != 0 {
			r.t.Fatalf("rescued %+v, want it cancelled instead", rescued)
		}
		r.wantState(id, drayhorse.Cancelled)
	})
}

// TestLateCopyOfAJoin delivers a copy of a lease's first turn after the lease was
// rescued away: it joins anew, and its worker must not go on under that name.
func TestLateCopyOfAJoin(t *testing.T) {
	conform(t, func(r *rig) {
		r.enqueue(r.newJob())
		l := r.newLease()
		join := &Turn{Lease: l, Want: 1}
		first := r.RunTurns(r.ctx, join)[0]
		if first.Err != nil {
			r.t.Fatal(first.Err)
		}
		r.kill(l)
		if again := r.RunTurns(r.ctx, join)[0]; again.Err != nil || len(again.Claims) != 1 {
			r.t.Fatalf("the copy got %+v, want the claim of a new lease", again)
		}
		l.epoch = first.epoch // the worker never heard of the copy
		finish := &Turn{Lease: l, Finishes: []Finish{first.Claims[0].finish(Complete)}}
		r.wantError(r.RunTurns(r.ctx, finish)[0].Err, drayhorse.ErrLeaseLost)
		r.wantError(r.Beat(r.ctx, l)[0].Err, drayhorse.ErrLeaseLost)
		if err := r.Leave(r.ctx, l); err != nil {
			r.t.Fatal(err)
		}
		if got := r.Observe(r.ctx, r.part)[0]; got.Err != nil || len(got.Leases) != 1 {
			r.t.Fatalf("leases = %v, want that of the copy, to be watched until it is dead", got.Leases)
		}
		r.kill(l)
		r.wantState(first.Claims[0].ID, drayhorse.Available)
	})
}
