package jobs

import (
	"errors"
	"maps"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// drawID picks a job of one of the states in which there are some, each as often as the others; or one that is
// unknown.
func (w *world) drawID(t *rapid.T) string {
	of := map[drayhorse.State][]string{"": {"unknown"}}
	for _, jobs := range []map[string]*modelJob{w.model.jobs, w.model.ended} {
		for id, j := range jobs {
			of[j.state] = append(of[j.state], id)
		}
	}
	state := rapid.SampledFrom(slices.Sorted(maps.Keys(of))).Draw(t, "state of it")
	return rapid.SampledFrom(slices.Sorted(slices.Values(of[state]))).Draw(t, "id")
}

func (w *world) cancel(t *rapid.T) {
	id := w.drawID(t)
	value, err := w.p.run(w.ctx, cancelScript, id)
	want := w.model.cancel(id)
	if want == "" {
		wantSame(t, "cancel", id, err, errNotFound)
	} else if wantSame(t, "cancel", id, err, nil); asString(value) != want {
		t.Fatalf("cancel %q: %v, want %s", id, value, want)
	}
}

// await has somebody wait for a job, or no more. What it leaves is checked by itself: see
// raw.checkReports.
func (w *world) await(t *rapid.T) {
	ttl := rapid.SampledFrom([]time.Duration{0, time.Hour, 24 * time.Hour}).Draw(t, "ttl")
	channel := rapid.SampledFrom([]string{"wake:a", "wake:b"}).Draw(t, "channel")
	replies := w.engine.awaitAll(w.ctx, []redis.Call{w.p.await(channel, ttl, rapid.Bool().Draw(t, "reports"), []asked{{id: w.drawID(t), number: 7}})})
	if _, err := decodeStandings(replies[0], 1); err != nil {
		t.Fatal(err)
	}
}

// report has a worker write what a handler has reported, of a job that it holds or has held.
// What it leaves is checked by itself: see raw.checkReports.
func (w *world) report(t *rapid.T) {
	worker := rapid.SampledFrom(w.workers).Draw(t, "worker")
	claims := slices.Concat(worker.held, worker.past)
	if len(claims) == 0 {
		return
	}
	claim := rapid.SampledFrom(claims).Draw(t, "claim").claim
	report := &Report{ID: claim.ID, Seq: claim.Seq, Number: uint64(rapid.IntRange(1, 3).Draw(t, "number")), Attempt: claim.Failed + 1}
	if rapid.Bool().Draw(t, "progress") {
		report.Progress = &drayhorse.Progress{Fraction: 0.5, Text: "half", At: time.UnixMilli(1)}
	}
	for range rapid.IntRange(0, 2).Draw(t, "lines") {
		report.Log = AppendLogLine(report.Log, &drayhorse.LogLine{Attempt: report.Attempt, Message: "line"})
		report.Lines++
	}
	w.engine.Report(w.ctx, []LeaseReports{{worker.lease, []*Report{report}}}, func(*Report, error) {}, func(*Report) { t.Fatal("no answer") })
}

func (w *world) retry(t *rapid.T) {
	id := w.drawID(t)
	wantSame(t, "retry", id, w.p.Retry(w.ctx, id), w.model.retry(id))
}

func (w *world) remove(t *rapid.T) {
	id := w.drawID(t)
	live := w.model.jobs[id] != nil
	err := w.p.Delete(w.ctx, id)
	wantSame(t, "delete", id, err, w.model.remove(id))
	if live && err == nil {
		w.history.removed++
	}
}

func (w *world) purge(t *rapid.T) {
	state := rapid.SampledFrom([]drayhorse.State{
		drayhorse.Scheduled, drayhorse.Available, drayhorse.Retryable, drayhorse.Completed, drayhorse.Cancelled, drayhorse.Discarded,
	}).Draw(t, "state")
	value, err := w.p.run(w.ctx, purgeScript, string(state), 0, 2)
	if err != nil {
		t.Fatal(err)
	}
	want := w.model.purge(state, 2)
	if got := int(asInt(asList(value)[0])); got != want {
		t.Fatalf("purge of %s removed %d, want %d", state, got, want)
	}
	if !state.Ended() {
		w.history.removed += want
	}
}

func (w *world) sweep(t *rapid.T) {
	limit := rapid.IntRange(0, 3).Draw(t, "limit")
	bytes := rapid.SampledFrom([]int{0, 200, 6 << 10, MaxArchivedBytes}).Draw(t, "bytes")
	grace := rapid.SampledFrom([]int64{0, 0, 5, 1000}).Draw(t, "grace")
	value, err := w.p.run(w.ctx, sweepScript, limit, bytes, sweepStep, grace)
	if err != nil {
		t.Fatal(err)
	}
	reply := asList(value)
	if asInt(reply[4]) != 0 {
		t.Fatalf("sweep: %v; want nothing more to do", reply)
	}
	expired := w.model.sweep(limit, bytes, asInt(reply[0]), grace)
	if got := asStrings(reply[3]); !slices.Equal(got, expired) {
		t.Fatalf("sweep: %q expired; want %q", got, expired)
	}
}

func (w *world) pause(t *rapid.T) {
	err := w.p.Resume(w.ctx, Pause{})
	if on := rapid.Bool().Draw(t, "on"); on {
		w.model.pauseKind("", false)
		err = w.p.Pause(w.ctx, Pause{})
		w.model.pauseKind("", true)
	} else {
		w.model.pauseKind("", false)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) setDepth(t *rapid.T) {
	most := rapid.SampledFrom([]int{0, 1, 3, 8}).Draw(t, "depth")
	if err := SetMaxDepth(w.ctx, []*Partition{w.p}, most); err != nil {
		t.Fatal(err)
	}
	w.model.depth = most
}

func (w *world) setLimit(t *rapid.T) {
	if chance(t, "no limit", 3) {
		w.dropLimit(t)
		return
	}
	limit := w.drawLimit(t, "l")
	limit.Breaker = drawBreaker(t)
	if _, err := w.engine.SetLimit(w.ctx, limit, true, "", ""); err != nil {
		t.Fatal(err)
	}
	w.model.limit.set(limit)
	w.model.limitsChanged()
}

// dropLimit takes the queue's limit away, if there is one.
func (w *world) dropLimit(t *rapid.T) {
	err := RemoveLimit(w.ctx, []*Partition{w.p}, "l")
	if errors.Is(err, drayhorse.ErrNotFound) {
		return // and none rings
	}
	if err != nil {
		t.Fatal(err)
	}
	w.model.limit = modelLimit{}
	w.model.limitsChanged()
}

// ring is what a worker does that was woken and has no slot free.
func (w *world) ring(t *rapid.T) {
	if err := w.p.Ring(w.ctx); err != nil {
		t.Fatal(err)
	}
	if w.clock.jump == nil && (w.model.limit.shut != 0 || len(w.model.gates.opens) > 0) {
		w.model.bell = w.engine.client.Exists(w.ctx, w.p.key(colBell)).Val() == 1 // whether it is still shut, the clock says
	} else if now, _ := w.clock.bounds(); w.model.inLine(now) > 0 && !w.model.closed(now) {
		w.model.ring()
	}
}

// takeBell is what a waiting worker does.
func (w *world) takeBell(t *rapid.T) {
	if err := w.engine.client.LPop(w.ctx, w.p.key(colBell)).Err(); (err == nil) != w.model.bell {
		t.Fatalf("the bell: %v, want it rung: %v", err, w.model.bell)
	}
	w.model.bell = false
}

// resync finds nothing to do: the steps leave no job behind.
func (w *world) resync(t *rapid.T) {
	if n, err := w.p.Resync(w.ctx); n != 0 || err != nil {
		t.Fatalf("resync put %d jobs back: %v", n, err)
	}
}

func (w *world) summary(t *rapid.T) {
	got, err := w.p.Summary(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	want := &Summary{
		Now: got.Now, Oldest: got.Oldest, Totals: got.Totals, Paused: w.model.paused, MaxDepth: w.model.depth, Leases: len(w.model.leases),
		Available: len(w.model.ready) + len(w.model.suspects) + len(w.model.parked()),
		Suspects:  len(w.model.suspects), Parked: len(w.model.parked()) - w.model.held() - len(w.model.lane(rankedLane)), Held: w.model.held(),
		Ranks: w.model.ranks(), Grouped: w.model.grouped(), Groups: w.model.groups(),
		Running:   len(w.model.sorted(inRunning, func(_, _ *modelJob) int { return 0 })),
		Completed: len(w.model.kept(drayhorse.Completed)), Cancelled: len(w.model.kept(drayhorse.Cancelled)),
		Discarded: len(w.model.kept(drayhorse.Discarded)),
	}
	for _, j := range w.model.scheduled() {
		if j.failed > 0 {
			want.Retryable++
		} else {
			want.Scheduled++
		}
	}
	for _, n := range w.model.dead { // entries of jobs that are not there
		want.Available -= n
	}
	g, e := *got, *want
	g.Totals, e.Totals = nil, nil
	if !summariesEqual(g, e) {
		t.Fatalf("summary %+v, want %+v", g, e)
	}
}

func summariesEqual(a, b Summary) bool {
	return a.Paused == b.Paused && a.MaxDepth == b.MaxDepth && a.Available == b.Available && a.Suspects == b.Suspects && a.Parked == b.Parked && a.Held == b.Held && maps.Equal(a.Ranks, b.Ranks) && a.Grouped == b.Grouped && a.Groups == b.Groups &&
		a.Scheduled == b.Scheduled && a.Retryable == b.Retryable && a.Running == b.Running && a.Leases == b.Leases &&
		a.Completed == b.Completed && a.Cancelled == b.Cancelled && a.Discarded == b.Discarded
}

func (w *world) jump(t *rapid.T) {
	if w.clock.jump != nil {
		by := rapid.SampledFrom([]time.Duration{
			3 * time.Millisecond, 3 * time.Millisecond, time.Hour, -time.Hour, 25 * time.Hour, 31 * 24 * time.Hour,
		}).Draw(t, "by")
		w.clock.jump(by)
		w.jumped += max(by, 0)
	}
}

// drain lets everybody finish, and looks at what is left.
func (w *world) drain(t *rapid.T) {
	if err := w.p.Resume(w.ctx, Pause{}); err != nil {
		t.Fatal(err)
	}
	w.model.pauseKind("", false)
	w.resumeKinds(t)
	w.dropLimit(t)
	w.dropKindLimit(t)
	w.dropGroupLimit(t, "p")
	w.dropGroupLimit(t, "q")
	for _, p := range w.producers {
		if p.pending != nil {
			w.sendEnqueue(t, p, noFault)
			w.check(t)
		}
	}
	w.late = nil
	for rounds := 0; len(w.model.jobs)+len(w.model.ready)+len(w.model.gates.opens) > 0; rounds++ {
		if rounds == 500 {
			t.Fatalf("%d jobs are still live", len(w.model.jobs))
		}
		w.drainRound(t)
	}
	for _, worker := range w.workers {
		if worker.pending != nil { // it comes before anything else on its lease
			w.sendTurn(t, worker, noFault)
			w.check(t)
		}
		w.runLeave(t, worker)
	}
	w.buryOrphans(t)
	w.checkDrained(t)
}

// drainRound has every worker finish what it holds and claim more.
func (w *world) drainRound(t *rapid.T) {
	w.resumeKinds(t)
	for _, j := range w.model.scheduled() {
		wantSame(t, "retry", j.id, w.p.Retry(w.ctx, j.id), w.model.retry(j.id))
	}
	for _, worker := range w.workers {
		worker.frozen = false
		if worker.pending == nil {
			worker.pending = &modelCall{room: maxClaimBytes, turn: &Turn{Lease: worker.lease, Want: 10, Suspect: true, Lanes: w.lines()}}
			for _, x := range worker.held {
				worker.pending.finished = append(worker.pending.finished, x)
				worker.pending.turn.Finishes = append(worker.pending.turn.Finishes, x.claim.finish(Complete))
			}
			worker.held = nil
			worker.pending.prepare()
		}
		w.sendTurn(t, worker, noFault)
		w.check(t)
	}
	w.late = nil
	w.buryOrphans(t)
}

// buryOrphans rescues from the leases that no worker has any more.
func (w *world) buryOrphans(t *rapid.T) {
	for _, s := range w.engine.Observe(w.ctx, w.p)[0].Leases {
		if slices.ContainsFunc(w.workers, func(o *modelWorker) bool { return o.lease.Name == s.Lease }) && s.Value != "0" {
			continue
		}
		w.check(t)
		pass := &modelPass{cursor: "0", leases: []any{s.Lease, s.Value}}
		w.passes = []*modelPass{pass}
		for len(w.passes) > 0 {
			w.runRescue(t, pass)
			w.check(t)
		}
	}
}

// forgetMissed lets the time pass for which it is known how jobs ended that were waited for.
func (w *world) forgetMissed(t *rapid.T) {
	for field := range w.raw.hashes[colReports] {
		if field[0] == 't' {
			w.engine.client.HSet(w.ctx, w.p.key(colReports), field, "0|")
		}
	}
	for range 10 { // a sweep looks at a hundred or so
		if _, err := w.p.Sweep(w.ctx); err != nil {
			t.Fatal(err)
		}
		earliest, _ := w.clock.bounds()
		w.model.sweep(MaxArchived, MaxArchivedBytes, earliest, 0)
	}
	w.check(t)
}

// checkDrained: of an idle queue only what is to be kept is left, and every life
// of a job had one end.
func (w *world) checkDrained(t *rapid.T) {
	w.check(t)
	w.forgetMissed(t)
	keep := []column{
		colJobs, colRunning, colArchive, colCompleted, colCancelled, colDiscarded, colExpiry, colStats, colMeta, colTicks, colSeen, colBell,
		colMinute, colSeries,
	}
	for c := range columns {
		if column(c) == colReports && len(w.raw.hashes[colReports]) > 0 {
			continue // of jobs that are kept, as raw.checkReports has seen
		}
		if n := w.engine.client.Exists(w.ctx, w.p.key(column(c))).Val(); n == 1 && !slices.Contains(keep, column(c)) {
			t.Fatalf("%s is left of an idle queue", columns[c])
		}
	}
	for _, c := range []column{colJobs, colRunning} {
		if n := w.engine.client.HLen(w.ctx, w.p.key(c)).Val(); n > 1 {
			t.Fatalf("%s has %d fields, want the filler alone", columns[c], n)
		}
	}
	s := w.raw.stat
	lives, ends := s("enqueued")+s("retried"), s("completed")+s("cancelled")+s("discarded")+w.history.removed
	if lives != ends {
		t.Fatalf("%d jobs began to live, %d ended", lives, ends)
	}
}
