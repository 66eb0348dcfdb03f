package jobs

import "testing"

func TestResyncPutsLostJobsBack(t *testing.T) {
	conform(t, func(r *rig) {
		r.inEveryState(r.newLease())
		ids := map[string]bool{}
		for range 2*resyncStep + 3 {
			ids[r.enqueue(r.newJob())[0]] = true
		}
		for id := range ids {
			r.must(r.client.LRem(r.ctx, r.part.key(colReady), 0, id).Err())
		}
		r.takeBell()
		if n, err := r.part.Resync(r.ctx); n != len(ids) || err != nil {
			r.t.Fatalf("resync put %d back, %v; want %d", n, err, len(ids))
		}
		if !r.takeBell() {
			r.t.Error("jobs are back in line and the bell is silent")
		}
		if n, err := r.part.Resync(r.ctx); n != 0 || err != nil {
			r.t.Fatalf("again: %d, %v; want nothing", n, err)
		}
		if s := r.summary(); s.Totals["resynced"] != int64(len(ids)) {
			r.t.Errorf("totals = %v", s.Totals)
		}
		got := r.turn(r.newLease(), 100)
		for _, c := range got.Claims {
			delete(ids, c.ID)
		}
		if len(ids) != 0 {
			r.t.Errorf("%d were not claimed", len(ids))
		}
	})
}

// TestResyncLeavesItsSuspicionsToTheScript: jobs that are somewhere after all are
// not put in line a second time.
func TestResyncLeavesItsSuspicionsToTheScript(t *testing.T) {
	conform(t, func(r *rig) {
		l := r.newLease()
		parked := r.enqueue(r.newJob())[0]
		r.turn(l, 0, r.turn(l, 1).Claims[0].finish(Divert, func(f *Finish) { f.Lane = "k" }))
		args := []any{parked, "unknown", ""}
		for _, id := range r.inEveryState(l) {
			args = append(args, id)
		}
		value, err := r.part.run(r.ctx, resyncScript, args...)
		if err != nil || asInt(value) != 0 {
			r.t.Errorf("put %v back, %v; want none", value, err)
		}
	})
}
