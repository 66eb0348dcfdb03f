package jobs

import (
	"errors"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/drayhorse/drayhorse"
)

// modelWorker holds a lease and repeats a turn until it is answered.
type modelWorker struct {
	lease   *Lease
	held    []execution
	past    []execution // that it has finished
	pending *modelCall
	frozen  bool
}

// execution is one run of a handler.
type execution struct {
	claim  Claim
	number int // of the claims of this job
}

// modelCall is a turn with what the test knows about it.
type modelCall struct {
	turn     *Turn
	finished []execution // the executions of its finishes
	room     int         // bytes that it may claim
}

func leaseOf(token string) string { return token[:strings.LastIndexByte(token, ':')] }

func (w *world) takeTurn(t *rapid.T) {
	worker := rapid.SampledFrom(w.workers).Draw(t, "worker")
	if worker.frozen {
		return
	}
	if worker.pending == nil {
		worker.pending = w.drawTurn(t, worker)
	} else if chance(t, "forgo", 4) {
		worker.pending.turn.Forgo()
	}
	w.sendTurn(t, worker, drawFault(t))
}

func (w *world) drawTurn(t *rapid.T, worker *modelWorker) *modelCall {
	c := &modelCall{room: rapid.SampledFrom([]int{6 << 10, maxClaimBytes}).Draw(t, "room")}
	c.turn = &Turn{
		Lease: worker.lease, Want: rapid.IntRange(0, 5).Draw(t, "want"), Suspect: rapid.Bool().Draw(t, "suspect"),
		Lanes: rapid.SliceOfNDistinct(rapid.SampledFrom(w.lines()), 0, 2, rapid.ID).Draw(t, "lanes"),
		Trial: chance(t, "trial", 3),
	}
	if n := len(worker.past); n > 0 && chance(t, "finish again", 8) {
		c.finish(t, worker.past[n-1])
	}
	var kept []execution
	for _, x := range worker.held {
		if chance(t, "finish", map[bool]int{true: 6, false: 2}[w.crashy]) {
			c.finish(t, x)
			worker.past = append(worker.past, x)
		} else {
			kept = append(kept, x)
		}
	}
	worker.held = kept
	c.prepare()
	return c
}

// copy is the call as it is now: its turn may forgo its claims before it is repeated.
func (c *modelCall) copy() *modelCall {
	sent, turn := *c, *c.turn
	turn.args = slices.Clone(turn.args)
	sent.turn = &turn
	return &sent
}

func (c *modelCall) prepare() {
	c.turn.prepare()
	c.turn.args[4] = c.room
}

var modelKinds = []string{"a", "a0", "b"} // a and a0 are neighbours in the order of lanes

var modelOutcomes = []Outcome{Complete, Complete, Complete, Fail, Fail, Exhaust, Cancel, Snooze, Release, Divert, Limit}

func (c *modelCall) finish(t *rapid.T, x execution) {
	f := Finish{ID: x.claim.ID, Seq: x.claim.Seq, Outcome: rapid.SampledFrom(modelOutcomes).Draw(t, "outcome")}
	e, err := DecodeEnvelope(x.claim.Envelope)
	if err != nil {
		t.Fatal(err)
	}
	f.Kind, f.Ran = e.Kind, time.Duration(rapid.IntRange(0, 100_000_000).Draw(t, "ran"))
	f.Waited = map[bool]time.Duration{true: -1, false: time.Hour}[x.claim.Failed > 0]
	switch f.Outcome {
	case Complete:
		f.Keep = e.OwnID || e.Retain > 0 || e.UniqueKey != "" || rapid.Bool().Draw(t, "keep")
	case Fail, Snooze:
		f.Delay = time.Duration(rapid.IntRange(0, 3).Draw(t, "delay")) * time.Millisecond
	case Divert, Limit:
		f.Delay = time.Duration(rapid.SampledFrom([]int{0, 2, 3_600_000}).Draw(t, "delay")) * time.Millisecond // of Limit
		f.Lane = e.Kind
	case Exhaust, Cancel, Release:
	}
	if f.Outcome == Fail || f.Outcome == Exhaust {
		f.Error = &drayhorse.AttemptError{Attempt: x.claim.Failed + 1, At: time.UnixMilli(2), Message: "it failed"}
	}
	c.turn.Finishes = append(c.turn.Finishes, f)
	c.finished = append(c.finished, x)
}

func (w *world) sendTurn(t *rapid.T, worker *modelWorker, f fault) {
	call := worker.pending
	if f != noFault || chance(t, "copied", 8) {
		sent := call.copy()
		w.late = append(w.late, func(t *rapid.T) { w.runLateTurn(t, sent) })
	}
	if f == requestLost {
		return
	}
	turned, err := w.runTurn(t, call)
	if f == replyLost {
		return
	}
	worker.pending = nil
	if err != nil {
		if errors.Is(err, errStale) {
			t.Fatalf("a worker that makes one turn after another is stale: %v", err)
		}
		l := lostLease{lease: worker.lease}
		for _, x := range append(worker.held, call.finished...) {
			if !slices.Contains(l.ids, x.claim.ID) {
				l.ids = append(l.ids, x.claim.ID)
			}
		}
		if len(l.ids) > 0 {
			w.lost = append(w.lost, l)
		}
		worker.lease, worker.held, worker.past = w.newLease(), nil, nil
		return
	}
	worker.lease.epoch, worker.lease.uncounted = turned.epoch, nil
	if len(turned.Rejected) > 0 {
		worker.lease.uncounted = call.turn.accepted(turned.Rejected)
	}
	for _, c := range turned.Claims {
		worker.held = append(worker.held, execution{c, w.history.claims[c.ID]})
	}
}

// runLateTurn delivers a copy of a turn.
func (w *world) runLateTurn(t *rapid.T, call *modelCall) {
	_, _ = w.runTurn(t, call)
}

// runTurn makes the call, compares its answer and notes what it tells.
func (w *world) runTurn(t *rapid.T, call *modelCall) (*Turned, error) {
	turn := call.turn
	value, err := w.p.run(w.ctx, turnScript, turn.args...)
	var turned *Turned
	var now int64
	if err == nil {
		heard := *turn
		heard.Lease = NewLease(w.p, turn.Lease.Name) // whether the worker hears of it is another matter
		if turned, err = heard.decode(value); err != nil {
			t.Fatal(err)
		}
		now = turned.Now.UnixMilli()
	}
	want, wantErr := w.model.turn(turn, call.room, now)
	if !errors.Is(err, wantErr) {
		t.Fatalf("turn %s: error %v, want %v", turn.token(), err, wantErr)
	}
	if err != nil {
		return nil, err
	}
	w.compareTurned(t, turned, want)
	if want.executed {
		w.noteTurn(t, call, turned)
	}
	return turned, nil
}

func (w *world) compareTurned(t *rapid.T, got *Turned, want modelTurned) {
	var ids []string
	for _, c := range got.Claims {
		ids = append(ids, c.ID)
		if j := w.model.jobs[c.ID]; j == nil || c.Envelope != j.envelope || c.Failed != j.failed || c.Rescued != j.rescued {
			t.Fatalf("claim %+v, want that of %+v", c, j)
		}
	}
	if !slices.Equal(ids, want.claims) || !slices.Equal(got.Rejected, want.rejects) || !slices.Equal(got.Discarded, want.discards) {
		t.Fatalf("claims %q, rejects %q and discards %q, want %q, %q and %q", ids, got.Rejected, got.Discarded, want.claims, want.rejects, want.discards)
	}
	now := got.Now.UnixMilli()
	left, due := w.model.inLine(now), w.model.nextStart(now)
	if w.model.closed(now) {
		left = 0
	}
	if got.Left != left || (due != 0 || !got.NextDue.IsZero()) && got.NextDue.UnixMilli() != due {
		t.Fatalf("%d left and due at %v, want %d and %d", got.Left, got.NextDue, left, due)
	}
	w.compareCancels(t, got.Cancels)
	w.compareLanes(t, got.Lanes, now)
}

func (w *world) compareCancels(t *rapid.T, got []string) {
	var want []string
	for id, j := range w.model.jobs {
		if j.cancel {
			want = append(want, id)
		}
	}
	slices.Sort(want)
	if got = slices.Sorted(slices.Values(got)); !slices.Equal(got, want) {
		t.Fatalf("cancels %q, want %q", got, want)
	}
}

// noteTurn notes the ends that were accepted and the executions that began.
func (w *world) noteTurn(t *rapid.T, call *modelCall, turned *Turned) {
	refused := slices.Clone(turned.Rejected)
	for _, x := range call.finished { // a repeated finish comes first, and is what is refused
		if at := slices.Index(refused, x.claim.ID); at >= 0 {
			refused = slices.Delete(refused, at, at+1)
			continue
		}
		w.history.accept(t, x.claim.ID, x.number)
	}
	for _, c := range turned.Claims {
		w.history.claims[c.ID]++
	}
}

func (w *world) freeze(t *rapid.T) {
	worker := rapid.SampledFrom(w.workers).Draw(t, "worker")
	worker.frozen = !worker.frozen
}

func (w *world) beat(t *rapid.T) {
	worker := rapid.SampledFrom(w.workers).Draw(t, "worker")
	reply := w.engine.Beat(w.ctx, worker.lease)[0]
	lease := w.model.leases[worker.lease.Name]
	if lease == nil || lease.condemned || lease.epoch != worker.lease.epoch {
		wantSame(t, "beat", worker.lease.Name, reply.Err, drayhorse.ErrLeaseLost)
		return
	}
	wantSame(t, "beat", worker.lease.Name, reply.Err, nil)
	w.compareCancels(t, reply.Cancels)
}

func (w *world) leave(t *rapid.T) {
	worker := rapid.SampledFrom(w.workers).Draw(t, "worker")
	if worker.frozen || worker.pending != nil || len(worker.held) > 0 {
		return
	}
	w.runLeave(t, worker)
}

func (w *world) runLeave(t *rapid.T, worker *modelWorker) {
	if err := w.engine.Leave(w.ctx, worker.lease); err != nil {
		t.Fatal(err)
	}
	if lease := w.model.leases[worker.lease.Name]; lease != nil && !lease.condemned && lease.epoch == worker.lease.epoch {
		delete(w.model.leases, worker.lease.Name) // its last turn is known: Redis does not go back in time here
	}
	worker.lease, worker.past = w.newLease(), nil
}
