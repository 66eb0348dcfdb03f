package jobs

import (
	"strconv"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse/internal/redistest"
)

func TestObserveSeesWhatWaits(t *testing.T) {
	conform(t, func(r *rig) {
		r.enqueue(r.newJob(), r.newJob(), r.newJob(in(time.Hour)))
		l := r.newLease()
		r.turn(l, 0, r.turn(l, 1).Claims[0].finish(Divert, func(f *Finish) { f.Lane = "k" }))
		all := r.Observe(r.ctx, r.parts...)
		if len(all) != len(r.parts) {
			r.t.Fatalf("%d observations of %d partitions", len(all), len(r.parts))
		}
		for i, o := range all {
			r.must(o.Err)
			if o.Partition != r.parts[i] {
				r.t.Errorf("observation %d is of %v", i, o.Partition)
			}
			if o.Partition != r.part {
				continue
			}
			if o.Ready != 1 || len(o.Leases) != 1 || o.Leases[0].Lease != l.Name || !equalSets(o.Lanes, []string{"k"}) ||
				o.NextDue.Sub(o.Now) < 59*time.Minute || o.Paused || o.Suspects != 0 {
				r.t.Errorf("observed %+v", o)
			}
		}
	})
}

// TestObserveFindsTheDeadAmongMany: a dead lease has the lowest score, or the
// highest if the clock was set back.
func TestObserveFindsTheDeadAmongMany(t *testing.T) {
	conform(t, func(r *rig) {
		r.damaged = true // leases without turns
		now := time.Now()
		for i := range 300 {
			r.must(r.client.ZAdd(r.ctx, r.part.key(colLeases), at("healthy"+strconv.Itoa(i), now.Add(time.Duration(i)*time.Millisecond))).Err())
		}
		r.must(r.client.ZAdd(r.ctx, r.part.key(colLeases), at("sunk", now.Add(-time.Minute)), at("future", now.Add(time.Hour))).Err())
		found := map[string]bool{}
		o := r.Observe(r.ctx, r.part)[0]
		for _, s := range o.Leases {
			found[s.Lease] = true
		}
		if len(o.Leases) > 100 || !found["sunk"] || !found["future"] {
			r.t.Errorf("%d leases, sunk %v, future %v; want both in at most 100", len(o.Leases), found["sunk"], found["future"])
		}
	})
}

// TestManyLanesAreSeenInTurn: no look names all of them, and many looks do.
func TestManyLanesAreSeenInTurn(t *testing.T) {
	conform(t, func(r *rig) {
		r.damaged = true // lanes without jobs
		const n = 250
		for i := range n {
			r.must(r.client.ZAdd(r.ctx, r.part.key(colLanes), goredis.Z{Score: float64(i), Member: "k" + strconv.Itoa(i)}).Err())
		}
		seen := map[string]bool{}
		redistest.Eventually(r.t, time.Minute, "all lanes are named", func() bool {
			o := r.Observe(r.ctx, r.part)[0]
			r.must(o.Err)
			if len(o.Lanes) > MaxLanes {
				r.t.Errorf("%d lanes are named, want at most %d", len(o.Lanes), MaxLanes)
			}
			for _, lane := range o.Lanes {
				seen[lane] = true
			}
			return len(seen) == n
		})
	})
}

// TestObserveFailsForTheBrokenAlone: one key of a wrong type blinds nobody for the
// other partitions.
func TestObserveFailsForTheBrokenAlone(t *testing.T) {
	conform(t, func(r *rig) {
		r.damaged = true
		healthy, err := r.Queue(r.ctx, "healthy")
		r.must(err)
		r.must(r.client.Set(r.ctx, r.part.key(colLeases), "no leases", 0).Err())
		seen := r.Observe(r.ctx, healthy[0], r.part, healthy[0])
		if seen[0].Err != nil || seen[1].Err == nil || seen[2].Err != nil {
			r.t.Errorf("errors %v, %v, %v; want one of the second alone", seen[0].Err, seen[1].Err, seen[2].Err)
		}
	})
}
