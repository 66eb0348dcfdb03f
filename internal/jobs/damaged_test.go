package jobs

import (
	"strings"
	"testing"
	"time"
)

// spoil makes a key one of another type, until mend.
func (r *rig) spoil(c column) (mend func()) {
	r.t.Helper()
	key := r.part.key(c)
	kept := key + ":kept"
	there := r.client.Exists(r.ctx, key).Val() == 1
	if there {
		r.must(r.client.Rename(r.ctx, key, kept).Err())
	}
	r.must(r.client.Set(r.ctx, key, "x", 0).Err())
	return func() {
		r.t.Helper()
		r.must(r.client.Del(r.ctx, key).Err())
		if there {
			r.must(r.client.Rename(r.ctx, kept, key).Err())
		}
	}
}

// TestClaimsThatFailGoBack: what was popped when it turned out that a key is of another
// type is in front of its line again, in its order, and what was finished stays so.
func TestClaimsThatFailGoBack(t *testing.T) {
	for _, c := range []column{colJobs, colRunning} {
		t.Run(columns[c], func(t *testing.T) {
			conform(t, func(r *rig) {
				ids := r.enqueue(r.newJob(), r.newJob(), r.newJob())
				mend := r.spoil(c)
				for range 2 {
					reply := r.RunTurns(r.ctx, &Turn{Lease: r.newLease(), Want: 2})[0]
					if reply.Err == nil || !strings.Contains(reply.Err.Error(), "WRONGTYPE") {
						r.t.Fatalf("err = %v, want WRONGTYPE", reply.Err)
					}
				}
				mend()
				r.claimed(r.turn(r.newLease(), 3), ids...)
			})
		})
	}
}

// TestEnqueuesThatFailStoreNothing: the same call again is no duplicate of itself.
func TestEnqueuesThatFailStoreNothing(t *testing.T) {
	for name, c := range map[string]struct {
		column column
		job    func(*NewJob)
	}{"ready": {colReady, func(*NewJob) {}}, "scheduled": {colScheduled, in(time.Hour)}} {
		t.Run(name, func(t *testing.T) {
			conform(t, func(r *rig) {
				mend := r.spoil(c.column)
				if _, err := r.writer.Enqueue(r.ctx, r.newJob(ownID("order-1"), c.job)); err == nil || !strings.Contains(err.Error(), "WRONGTYPE") {
					r.t.Fatalf("err = %v, want WRONGTYPE", err)
				}
				mend()
				if _, stored := r.put(ownID("order-1"), c.job); stored.Duplicate {
					r.t.Error("it is a duplicate of the one that was not stored")
				}
			})
		})
	}
}
