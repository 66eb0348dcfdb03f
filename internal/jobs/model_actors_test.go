package jobs

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/drayhorse/drayhorse"
)

// history is what has happened, as the answers of Redis told it: the oracle for
// what must hold across steps, whatever the model thinks.
type history struct {
	claims   map[string]int // how often a job was claimed; each time is an execution
	finished map[string]int // the execution whose end was accepted last
	removed  int            // live jobs that were deleted or purged
}

func newHistory() *history { return &history{claims: map[string]int{}, finished: map[string]int{}} }

// accept notes that the end of an execution was accepted: of the last one alone,
// and once.
func (h *history) accept(t *rapid.T, id string, execution int) {
	if execution != h.claims[id] || execution <= h.finished[id] {
		t.Fatalf("%q: the end of execution %d was accepted; there were %d, the last end was of %d",
			id, execution, h.claims[id], h.finished[id])
	}
	h.finished[id] = execution
}

// fault is what the network does to a call.
type fault string

const (
	noFault     fault = "none"
	requestLost fault = "request lost"
	replyLost   fault = "reply lost"
)

func drawFault(t *rapid.T) fault {
	return rapid.SampledFrom([]fault{noFault, noFault, noFault, noFault, requestLost, replyLost}).Draw(t, "fault")
}

func chance(t *rapid.T, label string, oneIn int) bool {
	return rapid.IntRange(1, oneIn).Draw(t, label) == oneIn
}

// modelProducer has a writer and repeats a call until it is answered.
type modelProducer struct {
	writer  string
	seq     uint64
	pending []*NewJob
}

func (w *world) enqueue(t *rapid.T) {
	p := rapid.SampledFrom(w.producers).Draw(t, "producer")
	if p.pending == nil {
		p.seq++
		for range rapid.IntRange(1, 4).Draw(t, "jobs") {
			p.pending = append(p.pending, w.drawJob(t))
		}
	}
	w.sendEnqueue(t, p, drawFault(t))
}

func (w *world) sendEnqueue(t *rapid.T, p *modelProducer, f fault) {
	seq, jobs := p.seq, p.pending
	if f != requestLost {
		w.runEnqueue(t, p.writer, seq, jobs)
	}
	if f != noFault || chance(t, "copied", 8) {
		w.late = append(w.late, func(t *rapid.T) { w.runEnqueue(t, p.writer, seq, jobs) })
	}
	if f == noFault {
		p.pending = nil
	}
}

func (w *world) drawJob(t *rapid.T) *NewJob {
	j := &NewJob{ID: w.newName("job"), Envelope: &Envelope{
		Kind: rapid.SampledFrom(modelKinds).Draw(t, "kind"), MaxAttempts: 3, Timeout: time.Second, EnqueuedAt: time.UnixMilli(1), Args: []byte("{}"),
	}}
	if w.groups && !chance(t, "of no group", 3) {
		j.Envelope.Group = rapid.SampledFrom(modelGroups).Draw(t, "group")
	}
	switch rapid.IntRange(0, 13).Draw(t, "sort of job") {
	case 0, 1:
		j.ID, j.Envelope.OwnID = fmt.Sprintf("own%d", rapid.IntRange(1, 4).Draw(t, "own ID")), true
		j.Replace = chance(t, "replace", 3)
		if ended := w.endedOwn(); len(ended) > 0 && rapid.Bool().Draw(t, "one that has ended") { // there are few
			j.ID, j.Replace = rapid.SampledFrom(ended).Draw(t, "ended ID"), rapid.Bool().Draw(t, "replace that")
		}
		if rapid.Bool().Draw(t, "retained") {
			j.Envelope.Retain = time.Hour
		}
	case 2, 3:
		j.In = time.Duration(rapid.IntRange(1, 3).Draw(t, "delay")) * time.Millisecond
	case 4:
		j.In = time.Hour
	case 5:
		j.Guarded, j.Envelope.Schedule = true, "schedule"
		j.Envelope.Tick = time.UnixMilli(int64(rapid.IntRange(1, 20).Draw(t, "tick")))
	case 6:
		j.Envelope.Args = make([]byte, 5<<10)
	case 7:
		j.Envelope.Retain = time.Hour
	case 8:
		w.drawPast(t, j)
	case 9, 10, 11:
		w.drawUnique(t, j)
	}
	if w.ranks && chance(t, "ranked", 2) {
		j.Envelope.Priority = rapid.SampledFrom([]drayhorse.Priority{drayhorse.Low, drayhorse.High, drayhorse.Urgent}).Draw(t, "priority")
	}
	if j.Past == nil && chance(t, "expires", 4) {
		j.Envelope.StartWithin = time.Duration(rapid.SampledFrom([]int{1, 3, 3_600_000}).Draw(t, "start within")) * time.Millisecond
	}
	if err := j.encode(w.p); err != nil {
		t.Fatal(err)
	}
	return j
}

// endedOwn gives the IDs of jobs that have ended and that their producers chose.
func (w *world) endedOwn() (ids []string) {
	for id, j := range w.model.ended {
		if j.own {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// drawUnique makes a job that counts as the same as one of four.
func (w *world) drawUnique(t *rapid.T, j *NewJob) {
	by := &drayhorse.UniqueBy{
		Key:      fmt.Sprintf("key%d", rapid.IntRange(1, 3).Draw(t, "key")),
		Until:    drayhorse.Until(rapid.IntRange(0, 1).Draw(t, "until")),
		Conflict: drayhorse.Conflict(rapid.IntRange(0, 3).Draw(t, "conflict")),
	}
	if by.Conflict == drayhorse.Postpone || chance(t, "later", 3) {
		j.In = time.Duration(rapid.SampledFrom([]int{1, 2, 3_600_000}).Draw(t, "delay")) * time.Millisecond
	}
	j.Envelope.Args = []byte(j.ID)
	if err := j.SetUnique(by); err != nil {
		t.Fatal(err)
	}
	if chance(t, "retained", 3) {
		j.Envelope.Retain = time.Hour
	}
}

// drawPast makes a job one that comes from another system.
func (w *world) drawPast(t *rapid.T, j *NewJob) {
	j.Past = &Past{Failed: rapid.IntRange(0, 2).Draw(t, "failed before")}
	if rapid.Bool().Draw(t, "due later") {
		j.In = time.Hour
	}
	if rapid.Bool().Draw(t, "error known") {
		j.Past.LastError = &drayhorse.AttemptError{Attempt: j.Past.Failed, At: time.UnixMilli(2), Message: "it failed there"}
	}
	j.Past.Discarded = chance(t, "ended there", 3)
}

// runEnqueue makes one call and compares its answer.
func (w *world) runEnqueue(t *rapid.T, writer string, seq uint64, jobs []*NewJob) {
	stored, _, err := w.p.enqueue(w.ctx, newWriterKeys(w.p, writer), seq, jobs, nil)
	err = failure("enqueue", err)
	var now int64
	if err == nil {
		now = stored[0].Now.UnixMilli()
	}
	want, wantErr := w.model.enqueue(writer, seq, jobs, now)
	if !errors.Is(err, wantErr) {
		t.Fatalf("enqueue %s:%d: error %v, want %v", writer, seq, err, wantErr)
	}
	for i := range want {
		s := stored[i]
		if got := (modelSaid{s.Duplicate, s.Rejected, s.Other, s.Depth}); got != want[i] {
			t.Fatalf("enqueue of %q: %+v, want %+v", jobs[i].ID, got, want[i])
		}
	}
}

func (w *world) deliverLate(t *rapid.T) {
	if len(w.late) == 0 {
		return
	}
	i := rapid.IntRange(0, len(w.late)-1).Draw(t, "copy")
	call := w.late[i]
	w.late = slices.Delete(w.late, i, i+1)
	call(t)
}

// modelPass is a rescue under way.
type modelPass struct {
	cursor string
	leases []any
}

// startRescue condemns a lease, of a frozen worker or a healthy one.
func (w *world) startRescue(t *rapid.T) {
	scores := w.engine.Observe(w.ctx, w.p)[0].Leases
	if len(scores) == 0 {
		return
	}
	s := rapid.SampledFrom(scores).Draw(t, "lease")
	pass := &modelPass{cursor: "0", leases: []any{s.Lease, s.Value}}
	if chance(t, "renewed meanwhile", 4) {
		pass.leases[1] = "1"
	}
	w.passes = append(w.passes, pass)
	w.runRescue(t, pass)
}

func (w *world) stepRescue(t *rapid.T) {
	if len(w.passes) > 0 {
		w.runRescue(t, rapid.SampledFrom(w.passes).Draw(t, "pass"))
	}
}

func (w *world) abandonRescue(t *rapid.T) {
	if len(w.passes) > 0 {
		w.passes = slices.Delete(w.passes, 0, 1)
	}
}

// runRescue makes one step. Which jobs a step meets is up to Redis; that they were
// to be taken back is not.
func (w *world) runRescue(t *rapid.T, pass *modelPass) {
	w.condemn(pass)
	value, err := w.p.run(w.ctx, rescueScript, append([]any{pass.cursor, 2}, pass.leases...)...)
	if err != nil {
		t.Fatal(err)
	}
	reply := asList(value)
	after := readRaw(w.ctx, t, w.p)
	took := w.tookBack(after)
	for _, id := range took {
		if lease := w.model.leases[leaseOf(w.model.jobs[id].token)]; lease != nil && !lease.condemned {
			t.Fatalf("%q was taken from a healthy lease", id)
		}
	}
	now, _ := w.clock.bounds()
	w.model.rescued(took, pass.cursor == "0" && asString(reply[0]) == "0", now)
	if asString(reply[0]) == "0" {
		for i, condemned := 0, asStrings(reply[1]); i < len(condemned); i += 2 {
			if !w.model.leases[condemned[i]].condemned {
				t.Fatalf("lease %q was removed, and was healthy", condemned[i])
			}
			delete(w.model.leases, condemned[i])
		}
	}
	if drawFault(t) == noFault {
		pass.cursor, pass.leases = asString(reply[0]), asList(reply[1])
		if pass.cursor == "0" {
			w.passes = slices.DeleteFunc(w.passes, func(p *modelPass) bool { return p == pass })
		}
	}
}

// condemn is what the first step does: only a lease with the score under which it
// was watched is condemned.
func (w *world) condemn(pass *modelPass) {
	for i := 0; pass.cursor == "0" && i < len(pass.leases); i += 2 {
		name := asString(pass.leases[i])
		if lease := w.model.leases[name]; lease != nil && asInt(pass.leases[i+1]) == w.raw.scores[colLeases][name] {
			lease.condemned = true
		}
	}
}

// tookBack gives what ran and runs no longer, in the order in which each line got it:
// in front, or at the end if it was in a trial.
func (w *world) tookBack(after *raw) []string {
	var gone []string
	for _, c := range []column{colReady, colSuspects} {
		var front, end []string
		for _, id := range after.lists[c] {
			switch j := w.model.jobs[id]; {
			case j == nil || j.token == "": // it was in line before
			case after.elsewhere(id) || slices.Contains(front, id): // so it was, and got another priority since
			case j.blame.trial > 0:
				end = append(end, id)
			default:
				front = append(front, id)
			}
		}
		slices.Reverse(front)
		gone = append(append(gone, front...), end...)
	}
	gone = append(gone, w.tookBackRanked(after)...)
	for id, j := range w.model.jobs {
		if _, runs := after.hashes[colRunning][id]; j.token != "" && !runs && !slices.Contains(gone, id) {
			gone = append(gone, id)
		}
	}
	return gone
}

// lostLease is a lease that a worker was told is lost, and what it held.
type lostLease struct {
	lease *Lease
	ids   []string
}

// sayAlive is what a worker does whose lease was lost while it lived, also again.
func (w *world) sayAlive(t *rapid.T) {
	if len(w.lost) == 0 {
		return
	}
	l := rapid.SampledFrom(w.lost).Draw(t, "lost lease")
	got, err := w.engine.Alive(w.ctx, l.lease, l.ids...)
	want, wantErr := w.model.alive(l.lease.Name, l.ids)
	wantSame(t, "alive", l.lease.Name, err, wantErr)
	if got != want {
		t.Fatalf("alive of %s cleared %d of %q, want %d", l.lease.Name, got, l.ids, want)
	}
}

// wantSame compares what an operator was told.
func wantSame(t *rapid.T, op, id string, err, want error) {
	if !errors.Is(err, want) {
		t.Fatalf("%s %q: error %v, want %v", op, id, err, want)
	}
}

var errNotFound = drayhorse.ErrNotFound
