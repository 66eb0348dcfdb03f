package jobs

import (
	"testing"

	"github.com/drayhorse/drayhorse"
)

// rewind puts Redis back to where it was, as a failover to a replica that lagged, or a
// restart from an older state, does.
func (r *rig) rewind() (back func()) {
	r.t.Helper()
	dumps := map[column]string{}
	for _, c := range []column{colJobs, colReady, colRunning, colLeases, colTurns, colStats, colMeta} {
		if dump, err := r.client.Dump(r.ctx, r.part.key(c)).Result(); err == nil {
			dumps[c] = dump
		}
	}
	return func() {
		r.t.Helper()
		for _, c := range []column{colJobs, colReady, colRunning, colLeases, colTurns, colStats, colMeta} {
			r.must(r.client.Unlink(r.ctx, r.part.key(c)).Err())
			if dump, ok := dumps[c]; ok {
				r.must(r.client.Restore(r.ctx, r.part.key(c), 0, dump).Err())
			}
		}
	}
}

// TestTurnAfterRedisWentBackInTime: a worker goes on with a lease of which Redis has
// forgotten turns. What it finished in them is still held under the lease, by nobody
// who remembers: it must be rescued, not kept alive by the worker's renewals.
func TestTurnAfterRedisWentBackInTime(t *testing.T) {
	t.Parallel()
	r := newRig(t, sharedURL(t), 1)
	l := r.newLease()
	ids := r.enqueue(r.newJob(), r.newJob())
	got := r.turn(l, 2)
	back := r.rewind()
	r.turn(l, 0, Finish{ID: got.Claims[0].ID, Seq: got.Claims[0].Seq, Outcome: Complete})
	r.turn(l, 0, Finish{ID: got.Claims[1].ID, Seq: got.Claims[1].Seq, Outcome: Complete})
	back()
	r.wantError(r.RunTurns(r.ctx, &Turn{Lease: l, Want: 1})[0].Err, drayhorse.ErrLeaseLost)
	r.rescuedAgain(ids)
}

// TestLeaveAfterRedisWentBackInTime is the same for a worker with nothing more to do.
func TestLeaveAfterRedisWentBackInTime(t *testing.T) {
	t.Parallel()
	r := newRig(t, sharedURL(t), 1)
	l := r.newLease()
	ids := r.enqueue(r.newJob(), r.newJob())
	got := r.turn(l, 2)
	back := r.rewind()
	r.turn(l, 0, Finish{ID: got.Claims[0].ID, Seq: got.Claims[0].Seq, Outcome: Complete})
	back()
	r.must(r.Leave(r.ctx, l))
	r.rescuedAgain(ids)
}

// rescuedAgain rescues what condemned leases hold, and claims it.
func (r *rig) rescuedAgain(ids []string) {
	r.t.Helper()
	if _, err := r.part.Rescue(r.ctx, nil); err != nil {
		r.t.Fatal(err)
	}
	for range 1000 { // a rescue goes on where the one before stopped
		if s := r.summary(); s.Available == len(ids) && s.Running == 0 {
			return
		}
		_, err := r.part.Rescue(r.ctx, nil)
		r.must(err)
	}
	r.t.Errorf("summary = %+v, want %d jobs in line again", r.summary(), len(ids))
}
