package jobs

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

func TestCancelOfEveryState(t *testing.T) {
	conform(t, func(r *rig) {
		l := r.newLease()
		ids := r.inEveryState(l)
		for state, id := range ids {
			err := r.part.Cancel(r.ctx, id)
			switch {
			case state.Ended():
				r.wantError(err, drayhorse.ErrNotFound)
				r.wantState(id, state)
			case state == drayhorse.Running:
				r.must(err)
				r.wantState(id, drayhorse.Running)
			default:
				r.must(err)
				r.wantState(id, drayhorse.Cancelled)
			}
		}
		for _, id := range []string{"unknown", ""} {
			r.wantError(r.part.Cancel(r.ctx, id), drayhorse.ErrNotFound)
			r.wantError(r.part.Retry(r.ctx, id), drayhorse.ErrNotFound)
			r.wantError(r.part.Delete(r.ctx, id), drayhorse.ErrNotFound)
		}
	})
}

// inEveryState makes a job of each state; the running one is held by l.
func (r *rig) inEveryState(l *Lease) map[drayhorse.State]string {
	r.t.Helper()
	ids := map[drayhorse.State]string{}
	outcomes := map[drayhorse.State]Outcome{
		drayhorse.Completed: Complete, drayhorse.Cancelled: Cancel, drayhorse.Discarded: Exhaust, drayhorse.Retryable: Fail,
	}
	for state, outcome := range outcomes {
		ids[state] = r.enqueue(r.newJob(retained))[0]
		r.turn(l, 0, r.turn(l, 1).Claims[0].finish(outcome, func(f *Finish) { f.Delay = time.Hour }))
	}
	ids[drayhorse.Running] = r.enqueue(r.newJob())[0]
	r.claimed(r.turn(l, 1), ids[drayhorse.Running])
	ids[drayhorse.Available] = r.enqueue(r.newJob())[0]
	ids[drayhorse.Scheduled] = r.enqueue(r.newJob(in(time.Hour)))[0]
	for state, id := range ids {
		r.wantState(id, state)
	}
	return ids
}

func TestRetryOfEveryState(t *testing.T) {
	conform(t, func(r *rig) {
		for state, id := range r.inEveryState(r.newLease()) {
			err := r.part.Retry(r.ctx, id)
			if state == drayhorse.Running {
				r.wantError(err, drayhorse.ErrRunning)
				continue
			}
			r.must(err)
			r.must(r.part.Retry(r.ctx, id))
			r.wantState(id, drayhorse.Available)
		}
		if s := r.summary(); s.Available != 6 || s.Totals["retried"] != 3 || s.Completed+s.Cancelled+s.Discarded+s.Retryable+s.Scheduled != 0 {
			r.t.Errorf("summary = %+v", s)
		}
		if got := r.turn(r.newLease(), 10); len(got.Claims) != 6 {
			r.t.Errorf("%d claims, want 6", len(got.Claims))
		}
	})
}

func TestDeleteOfEveryState(t *testing.T) {
	conform(t, func(r *rig) {
		for state, id := range r.inEveryState(r.newLease()) {
			err := r.part.Delete(r.ctx, id)
			if state == drayhorse.Running {
				r.wantError(err, drayhorse.ErrRunning)
				continue
			}
			r.must(err)
			r.wantState(id, "")
			r.wantError(r.part.Delete(r.ctx, id), drayhorse.ErrNotFound)
		}
	})
}

// TestDeadEntriesAreSkipped: ready keeps the entries of jobs that were cancelled or
// deleted while they waited; the same ID may be in line again behind them.
func TestDeadEntriesAreSkipped(t *testing.T) {
	conform(t, func(r *rig) {
		ids := r.enqueue(r.newJob(), r.newJob(ownID("a")), r.newJob(), r.newJob())
		r.must(r.part.Cancel(r.ctx, ids[0]))
		for range 2 {
			r.must(r.part.Delete(r.ctx, "a"))
			r.wantDuplicates(r.duplicates(r.newJob(ownID("a"))), true) // it stays taken
			r.enqueue(r.newJob(ownID("a"), replacing))
		}
		r.must(r.part.Cancel(r.ctx, ids[2]))
		r.must(r.part.Retry(r.ctx, ids[2]))
		if raw := r.raw(); len(raw.hashes[colStale]) != 3 || raw.hashes[colStale]["a"] != "2" || len(raw.lists[colReady]) != 7 {
			r.t.Fatalf("stale = %v, ready = %q", raw.hashes[colStale], raw.lists[colReady])
		}
		l := r.newLease()
		r.claimed(r.turn(l, 7), ids[3], "a", ids[2])
		if raw := r.raw(); len(raw.hashes[colStale])+len(raw.lists[colReady]) != 0 {
			r.t.Fatalf("stale = %v, ready = %q; want none", raw.hashes[colStale], raw.lists[colReady])
		}
	})
}

func TestPurgeOfEveryState(t *testing.T) {
	conform(t, func(r *rig) {
		const n = 2*purgeStep + 100
		l := r.newLease()
		others := r.inEveryState(l)
		for _, state := range drayhorse.States() {
			if state == drayhorse.Running {
				continue
			}
			r.fill(l, state, n)
			want := n
			if id, ok := others[state]; ok {
				want++
				delete(others, state)
				defer r.wantState(id, "")
			}
			if state == drayhorse.Available {
				r.must(r.part.Delete(r.ctx, r.enqueue(r.newJob())[0])) // a dead entry is no job
			}
			removed, err := r.part.Purge(r.ctx, state)
			if err != nil || removed != want {
				r.t.Fatalf("purge of %s removed %d, %v; want %d", state, removed, err, want)
			}
			for other, id := range others {
				r.wantState(id, other)
			}
		}
	})
}

// fill puts n jobs into a state.
func (r *rig) fill(l *Lease, state drayhorse.State, n int) {
	r.t.Helper()
	var jobs []*NewJob
	for range n {
		change := retained
		if state == drayhorse.Scheduled {
			change = in(time.Hour)
		}
		jobs = append(jobs, r.newJob(change))
	}
	r.enqueue(jobs...)
	outcome := map[drayhorse.State]Outcome{
		drayhorse.Completed: Complete, drayhorse.Cancelled: Cancel, drayhorse.Discarded: Exhaust, drayhorse.Retryable: Fail,
	}[state]
	if outcome == "" {
		return
	}
	for got := r.turn(l, 200); len(got.Claims) > 0; got = r.turn(l, 200) {
		for finishes := range slices.Chunk(r.finishAll(got, outcome), MaxFinishes) {
			r.turn(l, 0, finishes...)
		}
	}
}

func (r *rig) finishAll(got *Turned, outcome Outcome) []Finish {
	var finishes []Finish
	for i := range got.Claims {
		finishes = append(finishes, got.Claims[i].finish(outcome, func(f *Finish) { f.Delay = time.Hour }))
	}
	return finishes
}

func TestPurgeOfSuspectsAndLanes(t *testing.T) {
	conform(t, func(r *rig) {
		l := r.newLease()
		r.enqueue(r.newJob())
		r.turn(l, 0, r.turn(l, 1).Claims[0].finish(Divert, func(f *Finish) { f.Lane = "k" }))
		r.enqueue(r.newJob())
		for range suspectRescues {
			l := r.newLease()
			r.turn(l, 1)
			r.kill(l)
		}
		removed, err := r.part.Purge(r.ctx, drayhorse.Available)
		if err != nil || removed != 2 {
			r.t.Fatalf("removed %d, %v; want both", removed, err)
		}
	})
}

func TestPurgeOfRunningIsRefused(t *testing.T) {
	conform(t, func(r *rig) {
		for _, state := range []drayhorse.State{drayhorse.Running, "", "nonsense"} {
			_, err := r.part.Purge(r.ctx, state)
			r.wantError(err, drayhorse.ErrInvalid)
		}
	})
}

// TestNewerFormatIsRefused: nothing is done to data that a newer program wrote.
func TestNewerFormatIsRefused(t *testing.T) {
	conform(t, func(r *rig) {
		l := r.newLease()
		ids := r.inEveryState(l)
		r.must(r.client.HSet(r.ctx, r.part.key(colMeta), "format", 3).Err())
		before := fmt.Sprint(r.raw())
		steps := map[string]func() error{
			"enqueue": func() error { _, err := r.writer.Enqueue(r.ctx, r.newJob()); return err },
			"turn":    func() error { return r.tryTurn(&Turn{Lease: l, Want: 1}) },
			"retry":   func() error { return r.part.Retry(r.ctx, ids[drayhorse.Discarded]) },
			"cancel":  func() error { return r.part.Cancel(r.ctx, ids[drayhorse.Available]) },
			"delete":  func() error { return r.part.Delete(r.ctx, ids[drayhorse.Completed]) },
			"edit":    func() error { return r.part.EditArgs(r.ctx, ids[drayhorse.Available], []byte("1")) },
			"pause":   func() error { return r.part.Pause(r.ctx, Pause{}) },
			"purge":   func() error { _, err := r.part.Purge(r.ctx, drayhorse.Available); return err },
			"sweep":   func() error { _, err := r.part.sweep(r.ctx, 0, 0); return err },
			"rescue":  func() error { _, err := r.part.Rescue(r.ctx, []Score{r.score(l)}); return err },
			"resync":  func() error { _, err := r.part.run(r.ctx, resyncScript, "x"); return err },
		}
		for name, step := range steps {
			if err := step(); err == nil {
				r.t.Errorf("%s works on newer data", name)
			} else {
				r.wantError(err, drayhorse.ErrFormat)
			}
		}
		if after := fmt.Sprint(r.raw()); after != before {
			r.t.Errorf("something was done:\n%s\n%s", before, after)
		}
	})
}
