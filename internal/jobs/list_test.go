package jobs

import (
	"slices"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

// pages lists a state page by page.
func (r *rig) pages(state drayhorse.State, limit int) []string {
	r.t.Helper()
	var ids []string
	for cursor := ""; ; {
		page, next, err := r.part.List(r.ctx, state, cursor, limit)
		r.must(err)
		for _, info := range page {
			if info.State != state {
				r.t.Fatalf("a list of %s has %+v", state, info)
			}
			ids = append(ids, PackID(info.ID))
		}
		if cursor = next; cursor == "" {
			return ids
		}
	}
}

func TestListOfEveryState(t *testing.T) {
	conform(t, func(r *rig) {
		l := r.newLease()
		for _, state := range []drayhorse.State{
			drayhorse.Completed, drayhorse.Cancelled, drayhorse.Discarded, drayhorse.Retryable, drayhorse.Running, drayhorse.Scheduled,
			drayhorse.Available,
		} {
			r.fill(l, state, 23)
			if state == drayhorse.Running {
				r.turn(l, 100)
			}
		}
		for _, state := range drayhorse.States() {
			for _, limit := range []int{1, 5, 23, MaxPage} {
				ids := r.pages(state, limit)
				slices.Sort(ids)
				if n := len(slices.Compact(ids)); n != 23 {
					r.t.Errorf("%s in pages of %d: %d jobs, want 23", state, limit, n)
				}
			}
		}
	})
}

func TestListKeepsTheOrder(t *testing.T) {
	conform(t, func(r *rig) {
		ids := r.enqueue(r.newJob(), r.newJob(), r.newJob(), r.newJob())
		if got := r.pages(drayhorse.Available, 3); !slices.Equal(got, ids) {
			r.t.Errorf("available: %x, want %x", got, ids)
		}
		late := r.enqueue(r.newJob(in(3*time.Hour)), r.newJob(in(time.Hour)), r.newJob(in(2*time.Hour)))
		if got := r.pages(drayhorse.Scheduled, 2); !slices.Equal(got, []string{late[1], late[2], late[0]}) {
			r.t.Errorf("scheduled: %x, want the next first of %x", got, late)
		}
	})
}

func TestListOfAvailableHasAllItsPlaces(t *testing.T) {
	conform(t, func(r *rig) {
		suspect := r.enqueue(r.newJob())[0]
		r.suspect(suspect)
		parked := r.enqueue(r.newJob())[0]
		l := r.newLease()
		reply := r.RunTurns(r.ctx, &Turn{Lease: l, Want: 1})[0]
		r.must(reply.Err)
		r.turn(l, 0, reply.Claims[0].finish(Divert, func(f *Finish) { f.Lane = "k" }))
		ready := r.enqueue(r.newJob(), r.newJob())
		r.must(r.part.Cancel(r.ctx, ready[0]))
		if got := r.pages(drayhorse.Available, 1); !slices.Equal(got, []string{suspect, parked, ready[1]}) {
			r.t.Errorf("got %x, want the suspect, the parked and the one in line", got)
		}
	})
}

func TestListRefusesImpossiblePages(t *testing.T) {
	conform(t, func(r *rig) {
		for _, limit := range []int{0, -1, MaxPage + 1} {
			_, _, err := r.part.List(r.ctx, drayhorse.Available, "", limit)
			r.wantError(err, drayhorse.ErrInvalid)
		}
		_, _, err := r.part.List(r.ctx, "nonsense", "", 1)
		r.wantError(err, drayhorse.ErrInvalid)
	})
}

// TestAJobIsListedOnce though it was cancelled and retried while it was in line: its dead entries
// are left out.
func TestAJobIsListedOnce(t *testing.T) {
	conform(t, func(r *rig) {
		ids := r.enqueue(r.newJob(retained), r.newJob())
		for range 3 {
			r.must(r.part.Cancel(r.ctx, ids[0]))
			r.must(r.part.Retry(r.ctx, ids[0]))
		}
		if got := r.pages(drayhorse.Available, 10); !slices.Equal(got, []string{ids[1], ids[0]}) {
			r.t.Errorf("available: %x, want %x and %x", got, ids[1], ids[0])
		}
	})
}
