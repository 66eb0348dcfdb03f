package jobs

import (
	"errors"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

func TestOneJobFromEnqueueToCompletion(t *testing.T) {
	conform(t, func(r *rig) {
		id := r.enqueue(r.newJob(retained))[0]
		l := r.newLease()
		got := r.turn(l, 10)
		if len(got.Claims) != 1 || got.Claims[0].ID != id {
			r.t.Fatalf("claims = %+v, want the one job", got.Claims)
		}
		if info, err := r.part.Get(r.ctx, id); err != nil || info.State != drayhorse.Running || string(info.Args) != `{"n":1}` {
			r.t.Fatalf("info = %+v, %v, want running", info, err)
		}
		c := got.Claims[0]
		r.turn(l, 10, c.finish(Complete, func(f *Finish) { f.Result = []byte(`"done"`) }))
		info, err := r.part.Get(r.ctx, id)
		if err != nil {
			r.t.Fatal(err)
		}
		if info.State != drayhorse.Completed || string(info.Result) != `"done"` || info.FinishedAt.IsZero() || info.Attempt != 1 {
			r.t.Errorf("info = %+v, want completed with its result", info)
		}
		if s := r.summary(); s.Running != 0 || s.Available != 0 || s.Completed != 1 || s.Totals["completed"] != 1 {
			r.t.Errorf("summary = %+v", s)
		}
	})
}

func TestTurnRepeatedGetsTheSameAnswer(t *testing.T) {
	conform(t, func(r *rig) {
		r.enqueue(r.newJob(), r.newJob(), r.newJob())
		l := r.newLease()
		turn := &Turn{Lease: l, Want: 2}
		first := r.RunTurns(r.ctx, turn)[0]
		again := r.RunTurns(r.ctx, turn)[0]
		if first.Err != nil || again.Err != nil {
			r.t.Fatal(first.Err, again.Err)
		}
		if len(first.Claims) != 2 || len(again.Claims) != 2 || first.Claims[0].ID != again.Claims[0].ID || again.Left != 1 {
			r.t.Fatalf("claims = %v, then %v; want the same two", first.Claims, again.Claims)
		}
		c := first.Claims
		next := r.turn(l, 0, c[0].finish(Complete), c[1].finish(Complete))
		if len(next.Rejected) != 0 {
			r.t.Fatalf("rejected = %v", next.Rejected)
		}
		if err := r.RunTurns(r.ctx, turn)[0].Err; !errors.Is(err, errStale) {
			r.t.Fatalf("a late copy got %v, want errStale", err)
		}
		if s := r.summary(); s.Totals["completed"] != 2 || s.Available != 1 {
			r.t.Errorf("summary = %+v", s)
		}
	})
}

func TestFailedJobRetriesAndIsDiscarded(t *testing.T) {
	conform(t, func(r *rig) {
		id := r.enqueue(r.newJob())[0]
		l := r.newLease()
		c := r.turn(l, 1).Claims[0]
		boom := &drayhorse.AttemptError{Attempt: 1, At: time.Now(), Message: "boom", Stack: "here"}
		r.turn(l, 0, c.finish(Fail, func(f *Finish) { f.Error, f.Delay = boom, time.Hour }))
		info, err := r.part.Get(r.ctx, id)
		if err != nil {
			r.t.Fatal(err)
		}
		if info.State != drayhorse.Retryable || info.Attempt != 2 || len(info.Errors) != 1 || info.Errors[0].Message != "boom" ||
			info.Errors[0].Stack != "here" || time.Until(info.DueAt) < 50*time.Minute {
			r.t.Fatalf("info = %+v, want retryable in an hour", info)
		}
		if s := r.summary(); s.Retryable != 1 || s.Scheduled != 0 {
			r.t.Fatalf("summary = %+v, want 1 retryable", s)
		}
		if err := r.part.Retry(r.ctx, id); err != nil {
			r.t.Fatal(err)
		}
		c = r.turn(l, 1).Claims[0]
		if c.Failed != 1 {
			r.t.Fatalf("claim = %+v, want one failure", c)
		}
		r.turn(l, 0, c.finish(Exhaust, func(f *Finish) { f.Error = boom }))
		info, err = r.part.Get(r.ctx, id)
		if err != nil || info.State != drayhorse.Discarded || len(info.Errors) != 2 || info.Attempt != 2 {
			r.t.Fatalf("info = %+v, %v, want discarded after 2 attempts", info, err)
		}
	})
}

func TestRescueTakesBackWhatADeadLeaseHolds(t *testing.T) {
	conform(t, func(r *rig) {
		r.enqueue(r.newJob(), r.newJob())
		dead, alive := r.newLease(), r.newLease()
		held := r.turn(dead, 2).Claims
		o := r.Observe(r.ctx, r.part)[0]
		if o.Err != nil || len(o.Leases) != 1 {
			r.t.Fatalf("observed %+v, want one lease", o)
		}
		rescued, err := r.part.Rescue(r.ctx, o.Leases)
		if err != nil || rescued.Jobs != 2 {
			r.t.Fatalf("rescued %+v, %v, want 2", rescued, err)
		}
		reply := r.RunTurns(r.ctx, &Turn{Lease: dead, Finishes: []Finish{held[0].finish(Complete)}})[0]
		if !errors.Is(reply.Err, drayhorse.ErrLeaseLost) {
			r.t.Fatalf("a dead lease finished: %v", reply.Err)
		}
		again := r.turn(alive, 2).Claims
		if len(again) != 2 || again[0].Rescued != 1 {
			r.t.Fatalf("claims = %+v, want both, rescued once", again)
		}
	})
}
