package jobs

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

// picked gives all of a place, some at a time; between two calls something may happen.
func (r *rig) picked(place Place, until time.Time, between func(ids []string)) []string {
	r.t.Helper()
	var all []string
	for cursor := ""; ; {
		ids, next, err := r.part.Pick(r.ctx, place, cursor, until, 7)
		r.must(err)
		all = append(all, ids...)
		if between != nil {
			between(ids)
		}
		if cursor = next; cursor == "" {
			return all
		}
	}
}

// discard makes jobs that have ended, with the same ms of their end in groups.
func (r *rig) discard(n int) []string {
	r.t.Helper()
	l := r.newLease()
	var ids []string
	for range n {
		ids = append(ids, r.enqueue(r.newJob())...)
	}
	var finishes []Finish
	for _, c := range r.turn(l, n).Claims {
		finishes = append(finishes, c.finish(Exhaust))
	}
	r.turn(l, 0, finishes...)
	return ids
}

// TestWhatStaysIsPicked: what is not touched comes once, although all that was picked goes,
// and others come in.
func TestWhatStaysIsPicked(t *testing.T) {
	conform(t, func(r *rig) {
		ids := r.discard(60) // all at one ms
		until := time.Now().Add(time.Minute)
		got := r.picked(Places(drayhorse.Discarded)[0], until, func(ids []string) {
			for i, id := range ids {
				if i%2 == 0 {
					r.must(r.part.Delete(r.ctx, id))
				}
			}
		})
		if slices.Sort(got); !slices.Equal(got, slices.Sorted(slices.Values(ids))) {
			r.t.Errorf("picked %d, want each of %d once", len(got), len(ids))
		}
		if got := r.picked(Places(drayhorse.Discarded)[0], time.Now().Add(-time.Hour), nil); len(got) != 0 {
			r.t.Errorf("picked %d that ended later", len(got))
		}
		var waiting []string
		for i := range 40 {
			waiting = append(waiting, r.enqueue(r.newJob(in(time.Hour+time.Duration(i/10)*time.Minute)))...)
		}
		got = r.picked(Places(drayhorse.Scheduled)[0], until, func(ids []string) {
			for _, id := range ids {
				r.must(r.part.Retry(r.ctx, id))
			}
		})
		if slices.Sort(got); !slices.Equal(got, slices.Sorted(slices.Values(waiting))) {
			r.t.Errorf("picked %d, want each of %d once", len(got), len(waiting))
		}
		if got := r.picked(Places(drayhorse.Available, drayhorse.Running)[0], until, nil); len(got) < len(waiting) {
			r.t.Errorf("picked %d of %d live jobs", len(got), len(waiting))
		}
	})
}

// TestAStepOfAnActionIsMadeOnce: each job once, noted in the same moment, and not by who has
// lost the lock.
func TestAStepOfAnActionIsMadeOnce(t *testing.T) {
	conform(t, func(r *rig) {
		ids := r.discard(5)
		scheduled := r.enqueue(r.newJob(in(time.Hour)))[0]
		infos, err := r.part.Inspect(r.ctx, append(ids, scheduled)...)
		r.must(err)
		step := &ActionStep{
			Action: "a", Verb: VerbRetry, Token: 7, To: "x", Looked: 9, Jobs: infos,
			States: []drayhorse.State{drayhorse.Scheduled},
		}
		r.must(r.part.Delete(r.ctx, ids[0])) // since it was looked at
		got, err := r.part.Act(r.ctx, step)
		if want := (ActionStanding{Token: 7, Matched: 5, Changed: 5, Looked: 9, At: "x"}); err != nil || got != want {
			r.t.Errorf("a step: %+v, %v; want %+v", got, err, want)
		}
		_, err = r.part.Act(r.ctx, step)
		r.wantError(err, ErrStale)
		if again, err := r.part.ActionStanding(r.ctx, "a"); err != nil || again != got {
			r.t.Errorf("it stands at %+v, %v; want %+v", again, err, got)
		}
		for _, id := range append(ids[1:], scheduled) {
			r.wantState(id, drayhorse.Available)
		}

		// The live one may come again, and was done; an ended one is another.
		l := r.newLease()
		for _, c := range r.turn(l, 10).Claims {
			outcome := Exhaust
			if c.ID == scheduled {
				outcome = Snooze
			}
			r.turn(l, 0, c.finish(outcome, func(f *Finish) { f.Delay = time.Hour }))
		}
		r.wantState(scheduled, drayhorse.Scheduled)
		time.Sleep(2 * time.Millisecond) // the ms of their ends are others
		step.From, step.To = "x", "y|z"
		if got, err = r.part.Act(r.ctx, step); err != nil || got.Changed != 5 || got.At != "y|z" {
			r.t.Errorf("the same jobs again: %+v, %v; want none", got, err)
		}
		r.wantState(scheduled, drayhorse.Scheduled)

		step.Token, step.From = 6, "y|z"
		_, err = r.part.Act(r.ctx, step)
		r.wantError(err, drayhorse.ErrLeaseLost)
		r.must(r.part.ForgetAction(r.ctx, "a"))
		if got, err := r.part.ActionStanding(r.ctx, "a"); err != nil || got != (ActionStanding{}) {
			r.t.Errorf("it stands at %+v, %v; want nothing", got, err)
		}
	})
}

// TestAnActionSaysWhatFailed, and goes on.
func TestAnActionSaysWhatFailed(t *testing.T) {
	conform(t, func(r *rig) {
		by := uniquely(drayhorse.UniqueBy{})
		first := r.wantNew(by)
		l := r.newLease()
		r.turn(l, 0, r.turn(l, 1).Claims[0].finish(Exhaust))
		r.wantNew(by)
		other := r.discardOne(l)
		infos, err := r.part.Inspect(r.ctx, first, other)
		r.must(err)
		got, err := r.part.Act(r.ctx, &ActionStep{Action: "a", Verb: VerbRetry, Token: 1, To: "x", Jobs: infos})
		if err != nil || got.Matched != 2 || got.Changed != 1 || got.Failed != 1 || got.Problem != "CONFLICT a job that counts as the same is there" {
			r.t.Errorf("%+v, %v; want one done and one CONFLICT", got, err)
		}
	})
}

// discardOne ends one job that is in line, and gives its ID.
func (r *rig) discardOne(l *Lease) string {
	r.t.Helper()
	id := r.enqueue(r.newJob())[0]
	for _, c := range r.turn(l, 10).Claims {
		if c.ID == id {
			r.turn(l, 0, c.finish(Exhaust))
		} else {
			r.turn(l, 0, c.finish(Release))
		}
	}
	r.wantState(id, drayhorse.Discarded)
	return id
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	for want, states := range map[string][]drayhorse.State{
		"discarded scheduled": {drayhorse.Retryable, drayhorse.Discarded},
		"running":             {drayhorse.Running},
		"jobs":                {drayhorse.Available, drayhorse.Scheduled},
		"completed cancelled": {drayhorse.Completed, drayhorse.Cancelled},
	} {
		var got string
		for i, p := range Places(states...) {
			got += map[bool]string{true: " "}[i > 0] + p.Column
		}
		if got != want {
			t.Error(fmt.Sprint(states), "are in", got, "want", want)
		}
	}
}
