package jobs

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// tryTurn runs a turn that may fail.
func (r *rig) tryTurn(t *Turn) error {
	r.t.Helper()
	return r.RunTurns(r.ctx, t)[0].Err
}

// TestFinishNeedsItsToken: the lease is in order, the claim is not its own any
// more. This is one of two guards that hide each other's absence.
func TestFinishNeedsItsToken(t *testing.T) {
	conform(t, func(r *rig) {
		r.enqueue(r.newJob(), r.newJob(retained))
		first, second := r.newLease(), r.newLease()
		old := r.turn(first, 2).Claims
		r.turn(first, 0, old[0].finish(Release), old[1].finish(Release))
		now := r.turn(second, 2).Claims
		for _, keep := range []bool{false, true} {
			var late []Finish
			for _, c := range old {
				late = append(late, c.finish(Complete, func(f *Finish) { f.Keep = keep }))
			}
			if got := r.turn(first, 0, late...); len(got.Rejected) != 2 {
				r.t.Fatalf("rejected = %q, want both", got.Rejected)
			}
		}
		if got := r.turn(second, 0, now[0].finish(Complete), now[1].finish(Complete)); len(got.Rejected) != 0 {
			r.t.Fatalf("rejected = %q", got.Rejected)
		}
		if s := r.summary(); s.Totals["completed"] != 2 || s.Running != 0 {
			r.t.Errorf("summary = %+v, want each completed once", s)
		}
	})
}

// TestTurnNeedsItsLease: the lease is condemned, and its claims have not been taken
// back yet, so that the tokens are still right. This is the other guard.
func TestTurnNeedsItsLease(t *testing.T) {
	conform(t, func(r *rig) {
		id := r.enqueue(r.newJob(), r.newJob())[0]
		l := r.newLease()
		c := r.turn(l, 1).Claims[0]
		r.must(r.client.ZAdd(r.ctx, l.Partition.key(colLeases), at(l.Name, time.UnixMilli(0))).Err())
		r.wantError(r.tryTurn(&Turn{Lease: l, Want: 1, Finishes: []Finish{c.finish(Complete)}}), drayhorse.ErrLeaseLost)
		r.wantError(r.Beat(r.ctx, l)[0].Err, drayhorse.ErrLeaseLost)
		r.wantState(id, drayhorse.Running)
		if s := r.summary(); s.Running != 1 || s.Available != 1 || s.Totals["completed"] != 0 {
			r.t.Fatalf("summary = %+v, want nothing done", s)
		}
	})
}

func TestLeaseNamesAreUsedOnce(t *testing.T) {
	conform(t, func(r *rig) {
		r.enqueue(r.newJob(), r.newJob())
		l := r.newLease()
		r.turn(l, 1)
		again := NewLease(r.part, l.Name)
		again.seq = 5
		r.wantError(r.tryTurn(&Turn{Lease: again, Want: 1}), drayhorse.ErrLeaseLost)
		r.wantError(r.tryTurn(&Turn{Lease: &Lease{Partition: r.part, Name: "never joined", epoch: 1}}), drayhorse.ErrLeaseLost)
	})
}

func TestEmptyJoinLeavesNothing(t *testing.T) {
	conform(t, func(r *rig) {
		l := r.newLease()
		r.turn(l, 5)
		if got := r.raw(); len(got.scores[colLeases])+len(got.hashes[colTurns]) != 0 || l.Joined() {
			r.t.Fatal("a lease that holds nothing is kept")
		}
		r.enqueue(r.newJob())
		if got := r.turn(l, 5); len(got.Claims) != 1 || !l.Joined() {
			r.t.Fatalf("turned = %+v, want the job", got)
		}
	})
}

func TestFinishInOneCallCountsOnce(t *testing.T) {
	conform(t, func(r *rig) {
		r.enqueue(r.newJob())
		l := r.newLease()
		plain := Finish{ID: r.turn(l, 1).Claims[0].ID, Seq: 1, Outcome: Complete}
		r.turn(l, 0, plain, plain)
		if s := r.summary(); s.Totals["completed"] != 1 {
			r.t.Errorf("totals = %v, want 1 completed", s.Totals)
		}
	})
}

func TestEveryOutcomeIsKnown(t *testing.T) {
	conform(t, func(r *rig) {
		want := map[Outcome]drayhorse.State{
			Complete: drayhorse.Completed, Fail: drayhorse.Retryable, Exhaust: drayhorse.Discarded, Cancel: drayhorse.Cancelled,
			Snooze: drayhorse.Scheduled, Release: drayhorse.Available, Divert: drayhorse.Available,
		}
		l := r.newLease()
		for outcome, state := range want {
			id := r.enqueue(r.newJob(retained))[0]
			r.turn(l, 0, r.turn(l, 5).Claims[0].finish(outcome, func(f *Finish) { f.Delay, f.Lane = time.Hour, "k" }))
			r.wantState(id, state)
			if state == drayhorse.Available {
				r.must(r.part.Delete(r.ctx, id))
			}
		}
	})
}

func TestCancelMarkTurnsEverythingButSuccess(t *testing.T) {
	conform(t, func(r *rig) {
		l := r.newLease()
		boom := &drayhorse.AttemptError{Attempt: 1, At: time.Now(), Message: "boom"}
		for _, outcome := range []Outcome{Complete, Fail, Exhaust, Cancel, Snooze, Release, Divert} {
			id := r.enqueue(r.newJob(retained))[0]
			c := r.turn(l, 1).Claims[0]
			r.must(r.part.Cancel(r.ctx, id))
			r.must(r.part.Cancel(r.ctx, id))
			if beat := r.Beat(r.ctx, l)[0]; beat.Err != nil || !equalSets(beat.Cancels, []string{id}) {
				r.t.Fatalf("beat = %+v, want the cancel", beat)
			}
			if got := r.turn(l, 0); !equalSets(got.Cancels, []string{id}) {
				r.t.Fatalf("cancels = %q, want the job", got.Cancels)
			}
			r.turn(l, 0, c.finish(outcome, func(f *Finish) { f.Error, f.Result, f.Lane = boom, []byte("1"), "k" }))
			want := drayhorse.Cancelled
			if outcome == Complete {
				want = drayhorse.Completed
			}
			if info := r.info(id); info.State != want || (info.Result != nil) != (outcome == Complete) || len(info.Errors) != 1 {
				r.t.Fatalf("%s after a cancel: %+v, want %s", outcome, info, want)
			}
		}
	})
}

func TestPlainCompletionForgetsTheCancel(t *testing.T) {
	conform(t, func(r *rig) {
		id := r.enqueue(r.newJob())[0]
		l := r.newLease()
		c := r.turn(l, 1).Claims[0]
		r.must(r.part.Cancel(r.ctx, id))
		r.turn(l, 0, Finish{ID: c.ID, Seq: c.Seq, Outcome: Complete})
		r.wantState(id, "")
	})
}

func TestErrorsAreCapped(t *testing.T) {
	conform(t, func(r *rig) {
		id := r.enqueue(r.newJob())[0]
		l := r.newLease()
		const failures = 30
		for i := 1; i <= failures; i++ {
			c := r.turn(l, 1).Claims[0]
			r.turn(l, 0, c.finish(Fail, func(f *Finish) {
				f.Error = &drayhorse.AttemptError{
					Attempt: i, At: time.UnixMilli(int64(i)), Message: strings.Repeat("m", 5000), Stack: strings.Repeat("s", 10_000),
				}
			}))
		}
		info := r.info(id)
		if n := len(info.Errors); n != 25 || info.Errors[0].Attempt != 6 || info.Errors[24].Attempt != failures || info.Attempt != failures+1 {
			r.t.Fatalf("%d errors, attempt %d; want the last 25 of %d", n, info.Attempt, failures)
		}
		if e := info.Errors[3]; len(e.Message) != 4<<10 || !e.At.Equal(time.UnixMilli(9)) {
			r.t.Fatalf("message of %d bytes at %v", len(e.Message), e.At)
		}
		for i, e := range info.Errors {
			if want := map[bool]int{true: 8 << 10}[i >= 22]; len(e.Stack) != want {
				r.t.Fatalf("error %d has a stack of %d bytes, want %d: those of the last three alone", i, len(e.Stack), want)
			}
		}
	})
}

// TestResultsAreDroppedWhileRedisIsFull: what finishes must go in, or a full Redis could
// not be drained; a result need not.
func TestResultsAreDroppedWhileRedisIsFull(t *testing.T) {
	t.Parallel()
	r := newRig(t, redistest.Start(t).URL+redistest.Patient, 1)
	ids := r.enqueue(r.newJob(retained), r.newJob(retained), r.newJob(retained))
	l := r.newLease()
	claims := r.turn(l, 3).Claims
	with := func(c Claim, outcome Outcome) Finish {
		return c.finish(outcome, func(f *Finish) { f.Result = []byte(`"` + strings.Repeat("r", 1000) + `"`) })
	}
	r.must(r.client.ConfigSet(r.ctx, "maxmemory", "1000").Err())
	r.turn(l, 0, with(claims[0], Complete), with(claims[1], Exhaust))
	r.must(r.client.ConfigSet(r.ctx, "maxmemory", "0").Err())
	r.turn(l, 0, with(claims[2], Complete))
	for i, state := range []drayhorse.State{drayhorse.Completed, drayhorse.Discarded} {
		info := r.info(ids[i])
		if info.State != state || info.Result != nil || len(info.Errors) != 1 ||
			info.Errors[0].Message != "the result of 1002 bytes was dropped: Redis is full" {
			t.Errorf("info = %+v, want it %s without its result, and a note", info, state)
		}
	}
	if info := r.info(ids[2]); len(info.Result) != 1002 || len(info.Errors) != 0 {
		t.Errorf("info = %+v, want the result once there is room", info)
	}
	if n := r.summary().Totals["results_dropped"]; n != 2 {
		t.Errorf("%d results are counted as dropped, want 2", n)
	}
}

func TestMissingEnvelopeIsQuarantined(t *testing.T) {
	conform(t, func(r *rig) {
		ids := r.enqueue(r.newJob(), r.newJob(), r.newJob(), r.newJob())
		r.must(r.client.HDel(r.ctx, r.part.key(colJobs), ids[1], ids[2]).Err())
		r.must(r.client.RPush(r.ctx, r.part.key(colReady), "never was").Err())
		l := r.newLease()
		turned := r.turn(l, 10)
		r.claimed(turned, ids[0], ids[3])
		gone := []string{ids[1], ids[2], "never was"}
		if got := slices.Sorted(slices.Values(turned.Discarded)); !slices.Equal(got, slices.Sorted(slices.Values(gone))) {
			r.t.Errorf("the turn has discarded %q; want %q", got, gone)
		}
		for _, id := range gone {
			info := r.info(id)
			if info.State != drayhorse.Discarded || len(info.Errors) != 1 || !strings.Contains(info.Errors[0].Message, "quarantined") {
				r.t.Errorf("info = %+v, want discarded with the reason", info)
			}
			r.wantError(r.part.Retry(r.ctx, id), drayhorse.ErrNotFound)
		}
		if s := r.summary(); s.Totals["quarantined"] != 3 || s.Discarded != 3 {
			r.t.Errorf("summary = %+v, want 3 quarantined", s)
		}
	})
}

func TestMalformedEnvelopeReachesItsWorker(t *testing.T) {
	conform(t, func(r *rig) {
		ids := r.enqueue(r.newJob(), r.newJob(), r.newJob())
		for i, envelope := range []string{"", "\xff", strings.Repeat("\xff", 40)} {
			r.must(r.client.HSet(r.ctx, r.part.key(colJobs), ids[i], envelope).Err())
			if info := r.info(ids[i]); len(info.Errors) != 1 {
				r.t.Errorf("info = %+v, want an error that says so", info)
			}
		}
		l := r.newLease()
		got := r.turn(l, 3)
		r.claimed(got, ids...)
		bad := &drayhorse.AttemptError{Message: "malformed"}
		var finishes []Finish
		for i := range got.Claims {
			if _, err := DecodeEnvelope(got.Claims[i].Envelope); err == nil {
				r.t.Errorf("envelope %q was decoded", got.Claims[i].Envelope)
			}
			finishes = append(finishes, got.Claims[i].finish(Exhaust, func(f *Finish) { f.Error = bad }))
		}
		r.turn(l, 0, finishes...)
		for _, id := range ids {
			r.wantState(id, drayhorse.Discarded)
		}
	})
}

// TestLostTurnReplies: the claims of a turn whose reply was lost are those of its
// repeat, and its finishes count once.
func TestLostTurnReplies(t *testing.T) {
	t.Parallel()
	r := newRig(t, sharedURL(t), 1)
	proxy := redistest.NewProxy(t, redistest.AddrOf(t, sharedURL(t)))
	far := r.another("redis://" + proxy.Addr + "/0" + redistest.Patient)
	l := far.newLease()
	var ids []string
	for range 20 {
		ids = append(ids, r.enqueue(r.newJob())...)
	}
	got := far.turn(l, 1)
	for i := 1; i < len(ids); i++ {
		proxy.CutReplies(1, redistest.Contains(l.Name))
		next := &Turn{Lease: l, Want: 1, Finishes: []Finish{got.Claims[0].finish(Complete)}}
		r.wantError(far.tryTurn(next), drayhorse.ErrUnavailable)
		reply := far.RunTurns(far.ctx, next)[0]
		r.must(reply.Err)
		far.claimed(reply.Turned, ids[i])
		if len(reply.Rejected) != 0 {
			t.Fatalf("rejected = %q", reply.Rejected)
		}
		got = reply.Turned
	}
	far.turn(l, 0, got.Claims[0].finish(Complete))
	if s := r.summary(); proxy.Cuts() != 19 || s.Totals["completed"] != 20 || s.Running != 0 {
		t.Fatalf("%d replies lost, %+v; want 20 jobs completed once", proxy.Cuts(), s)
	}
	r.checkSound()
}

func TestRepeatGivesWhatIsStillHeld(t *testing.T) {
	conform(t, func(r *rig) {
		ids := r.enqueue(r.newJob(), r.newJob(ownID("own")), r.newJob())
		l := r.newLease()
		turn := &Turn{Lease: l, Want: 3}
		reply := r.RunTurns(r.ctx, turn)[0]
		r.must(reply.Err)
		r.must(r.client.HSet(r.ctx, l.Partition.key(colRunning), ids[1], "other:1").Err())
		reply = r.RunTurns(r.ctx, turn)[0]
		r.must(reply.Err)
		r.claimed(reply.Turned, ids[0], ids[2])
		if reply.Claims[1].Envelope == "" || reply.Claims[1].Seq != 1 {
			r.t.Errorf("claim = %+v", reply.Claims[1])
		}
		r.damaged = true
	})
}
