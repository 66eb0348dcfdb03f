package jobs

import (
	"errors"
	"slices"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
)

// raw reads the partition past the engine.
func (r *rig) raw() *raw {
	r.t.Helper()
	return readRaw(r.ctx, r.t, r.part)
}

// info is what is known of a job that must be known.
func (r *rig) info(id string) *drayhorse.Info {
	r.t.Helper()
	info, err := r.part.Get(r.ctx, id)
	if err != nil {
		r.t.Fatal(err)
	}
	return info
}

// wantState checks the state of a job; an empty one means that nothing is known.
func (r *rig) wantState(id string, want drayhorse.State) {
	r.t.Helper()
	infos, err := r.part.Inspect(r.ctx, id)
	if err != nil {
		r.t.Fatal(err)
	}
	var got drayhorse.State
	if infos[0] != nil {
		got = infos[0].State
	}
	if got != want {
		r.t.Fatalf("state = %q, want %q", got, want)
	}
}

// claimed checks which jobs a turn claimed, in their order.
func (r *rig) claimed(got *Turned, want ...string) {
	r.t.Helper()
	var ids []string
	for i := range got.Claims {
		ids = append(ids, got.Claims[i].ID)
	}
	if !slices.Equal(ids, want) {
		r.t.Fatalf("claimed %x, want %x", ids, want)
	}
}

// must stops the test at an error.
func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// wantError checks that err is the sentinel.
func (r *rig) wantError(err, want error) {
	r.t.Helper()
	if !errors.Is(err, want) {
		r.t.Fatalf("error = %v, want %v", err, want)
	}
}

// kill makes observers find the lease dead and takes its jobs back.
func (r *rig) kill(l *Lease) Rescued {
	r.t.Helper()
	rescued, err := r.part.Rescue(r.ctx, []Score{r.score(l)})
	r.must(err)
	return rescued
}

// suspect has workers die with the job that is next, until it is a suspect.
func (r *rig) suspect(id string) {
	r.t.Helper()
	for range suspectRescues {
		l := r.newLease()
		r.claimed(r.turn(l, 1), id)
		r.kill(l)
	}
}

// score is the lease as an observer sees it.
func (r *rig) score(l *Lease) Score {
	r.t.Helper()
	o := r.Observe(r.ctx, l.Partition)[0]
	r.must(o.Err)
	for _, s := range o.Leases {
		if s.Lease == l.Name {
			return s
		}
	}
	r.t.Fatalf("lease %s is not among %v", l.Name, o.Leases)
	return Score{}
}

// takeBell takes the bell, as a waiting worker does, and says whether it rang.
func (r *rig) takeBell() bool {
	r.t.Helper()
	n, err := r.client.Del(r.ctx, r.part.key(colBell)).Result()
	r.must(err)
	return n == 1
}

// at is a member of a sorted set by time.
func at(member string, t time.Time) goredis.Z {
	return goredis.Z{Member: member, Score: float64(t.UnixMilli())}
}
