package jobs

import (
	"testing"
	"time"
)

// TestOpsArePutInOnce, alone and together, in whatever company they come again, however late.
func TestOpsArePutInOnce(t *testing.T) {
	conform(t, func(r *rig) {
		made := time.UnixMilli(1_800_000_000_000)
		op := func(n, low int64) Op {
			packed, err := r.part.PackJobs(r.newJob())
			r.must(err)
			return Op{Sender: "@flow/1", N: n, Low: low, Jobs: packed, ID: r.part.StepID("f", made, int(n), 0), Link: StepLink("f", made, int(n), 0)}
		}
		put := func(want int, ops ...Op) {
			r.t.Helper()
			for i, err := range r.part.Put(r.ctx, ops...) {
				if (err != nil) != (string(ops[i].Jobs) == "x") {
					r.t.Errorf("op %d: %v", ops[i].N, err)
				}
			}
			if s := r.summary(); s.Available != want || s.Totals["enqueued"] != int64(want) {
				r.t.Errorf("%d in line and %d enqueued; want %d", s.Available, s.Totals["enqueued"], want)
			}
		}
		put(3, op(1, 1), op(2, 1), op(3, 1))
		put(3, op(1, 1), op(2, 1), op(3, 1))
		put(4, op(2, 1), op(4, 1), op(3, 1))
		put(4, op(4, 1))
		put(5, op(5, 4))
		put(5, op(1, 1), op(2, 1)) // nobody knows them any more: they are below what was known to be done
		bad := op(7, 5)
		bad.Jobs = []byte("x")
		put(7, op(6, 5), bad, op(8, 5))
		put(8, op(6, 5), op(7, 5), op(8, 5))
		var many []Op
		for n := int64(9); n <= 238; n++ {
			many = append(many, op(n, 9))
		}
		put(238, many...)
		put(238, many...)
		got := r.turn(r.newLease(), 250)
		if len(got.Claims) != 238 {
			r.t.Fatalf("%d claims; want 238", len(got.Claims))
		}
		ids := map[string]bool{}
		for _, c := range got.Claims {
			ids[c.ID] = true
			if c.Link() == "" {
				r.t.Error("a job has no link")
			}
		}
		if len(ids) != 238 {
			r.t.Errorf("%d jobs; want 238", len(ids))
		}
	})
}
