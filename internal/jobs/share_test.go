package jobs

import (
	"fmt"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

// shares declares a limit that the partition shares with others.
func (r *rig) shares(limit drayhorse.Limit) {
	r.t.Helper()
	limit.Name, limit.Queue = "l", r.part.Queue
	r.must(limit.Validate())
	r.must(r.DeclareShared(r.ctx, []*Partition{r.part}, &limit, true, "ann", "a test"))
}

// grant gives the partition a share of it, and what it has then.
func (r *rig) grant(version int64, most, burst, starts int) Share {
	r.t.Helper()
	s := r.GrantShares(r.ctx, []Grant{{Partition: r.part, Limit: "l", Version: version, Most: most, Burst: burst, Starts: starts}})[0]
	r.must(s.Err)
	return s
}

// TestAShareIsAsALimit: none may start before there is one; what has one keeps to it, and who waits is told of a change.
func TestAShareIsAsALimit(t *testing.T) {
	conform(t, func(r *rig) {
		for _, kind := range []string{"", "test"} {
			limit := atOnce(10)
			limit.Kind = kind
			r.shares(limit)
			ids := r.enqueue(r.newJob(), r.newJob(), r.newJob(), r.newJob())
			l := r.newLease()
			r.claimed(r.turn(l, 4))
			r.must(r.client.Del(r.ctx, r.part.key(colBell)).Err())
			got := r.grant(1, 2, 0, 0)
			if got.Most != 2 || got.Waiting != 4 || got.Running != 0 || got.Version != 1 || !r.takeBell() {
				r.t.Errorf("kind %q: got %+v; want two, four that wait, and the bell rung", kind, got)
			}
			first := r.shareTurn(l, 4, kind)
			r.claimed(first, ids[:2]...)
			if again := r.grant(1, 4, 0, 0); again.Most != 2 || again.Running != 2 {
				r.t.Errorf("kind %q: got %+v; want one of the same version to change nothing", kind, again)
			}
			if o := r.Observe(r.ctx, r.part)[0]; len(o.Shares) != 1 || o.Shares[0].Most != 2 || o.Shares[0].Running != 2 || o.Shares[0].Waiting != 2 {
				r.t.Errorf("kind %q: seen are %+v", kind, o.Shares)
			}
			r.grant(3, 0, 0, 0)
			r.grant(2, 9, 0, 0) // late
			r.claimed(r.shareTurn(l, 4, kind, complete(first.Claims)...))
			all, err := r.Limits(r.ctx, r.part)
			r.must(err)
			if len(all) != 1 || !all[0].Shared || all[0].Concurrency != 10 || all[0].Most != 0 {
				r.t.Errorf("kind %q: declared are %+v", kind, all)
			}
			r.must(r.RemoveShared(r.ctx, []*Partition{r.part}, "l"))
			r.must(r.RemoveShared(r.ctx, []*Partition{r.part}, "l")) // which changes nothing
			rest := r.shareTurn(l, 4, kind)
			r.claimed(rest, ids[2:]...)
			r.turn(l, 0, complete(rest.Claims)...)
			if n := r.client.Exists(r.ctx, r.part.key(colLimits)).Val(); n != 0 {
				r.t.Errorf("kind %q: %d keys of limits are left", kind, n)
			}
		}
	})
}

// shareTurn claims what is aside of a kind, too.
func (r *rig) shareTurn(l *Lease, want int, kind string, finishes ...Finish) *Turned {
	r.t.Helper()
	turn := &Turn{Lease: l, Want: want, Finishes: finishes}
	if kind != "" {
		turn.Lanes = []string{kind}
	}
	reply := r.RunTurns(r.ctx, turn)[0]
	r.must(reply.Err)
	return reply.Turned
}

// TestAShareOfARateNeverGivesStarts: what was free stays free as far as the share goes, and the rest is told of.
func TestAShareOfARateNeverGivesStarts(t *testing.T) {
	conform(t, func(r *rig) {
		if fault := r.startsMoreThanItsShare(); fault != "" {
			r.t.Error(fault)
		}
	})
}

// startsMoreThanItsShare changes a share of a rate, with starts that are free and without.
func (r *rig) startsMoreThanItsShare() (fault string) {
	r.shares(perHour(4, 8))
	var jobs []*NewJob
	for range 20 {
		jobs = append(jobs, r.newJob())
	}
	r.enqueue(jobs...)
	l := r.newLease()
	if got := r.grant(1, 0, 4, 3000); got.Burst != 4 || !got.Used { // one of the four is to come
		return fmt.Sprintf("got %+v; want a share of four, three of which are free", got)
	}
	if n := len(r.turn(l, 1).Claims); n != 1 {
		return fmt.Sprintf("%d started; want 1", n)
	}
	if got := r.grant(2, 0, 1, 0); got.Freed < 1000 || got.Freed > 1010 { // and what has come meanwhile
		return fmt.Sprintf("%d were taken away; want one of the two that were free", got.Freed)
	}
	if got := r.grant(3, 0, 6, 2000); got.Freed != 0 {
		return fmt.Sprintf("%d were taken away; want none", got.Freed)
	}
	got := r.turn(l, 10)
	if n := len(got.Claims); n != 3 { // one that was free, and two that came
		return fmt.Sprintf("%d started; want 3", n)
	}
	if next := got.NextDue.Sub(got.Now); next < 18*time.Minute || next > 20*time.Minute { // six eighths of four an hour
		return fmt.Sprintf("the next may start in %v; want 20 minutes at most", next)
	}
	r.grant(4, 0, 0, 0)
	if n := len(r.turn(l, 10).Claims); n != 0 {
		return fmt.Sprintf("%d started by a share of nothing", n)
	}
	return ""
}

// takesALateShare has an older share come after a newer one.
func (r *rig) takesALateShare() (fault string) {
	r.shares(atOnce(10))
	r.grant(2, 1, 0, 0)
	if got := r.grant(1, 5, 0, 0); got.Most != 1 {
		return "an older share replaces a newer one"
	}
	return ""
}
