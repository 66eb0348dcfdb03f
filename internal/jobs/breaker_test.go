package jobs

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

// breaking is a limit that opens when half of two or more have failed, and tries two then.
func breaking() drayhorse.Limit {
	return drayhorse.Limit{Breaker: drayhorse.Breaker{Rate: 0.5, Min: 2, Window: time.Hour, CoolDown: time.Hour, Probes: 2}}
}

// breaker is how the breaker of limit "l" stands.
func (r *rig) breaker() string {
	r.t.Helper()
	return r.client.HGet(r.ctx, r.part.key(colMeta), "brk:l").Val()
}

// coolDown has the time be over for which the breaker of limit "l" is open.
func (r *rig) coolDown() {
	r.t.Helper()
	parts := strings.SplitN(r.breaker(), "|", 4)
	if parts[0] != "o" {
		r.t.Fatalf("the breaker is %q, want it open", r.breaker())
	}
	r.must(r.client.HSet(r.ctx, r.part.key(colMeta), "brk:l", fmt.Sprintf("o|%s|%s|", parts[2], parts[2])).Err())
	r.must(r.client.HDel(r.ctx, r.part.key(colMeta), "gate", "barred").Err()) // as they are once that time has come
}

// wantStands wants the limit to say how its breaker stands.
func (r *rig) wantStands(want drayhorse.BreakerState) {
	r.t.Helper()
	all, err := r.Limits(r.ctx, r.part)
	r.must(err)
	if len(all) != 1 || all[0].State != want || (want == drayhorse.BreakerOpen) == all[0].OpenUntil.IsZero() {
		r.t.Errorf("%+v; want it %s", all[0], want)
	}
}

// TestABreakerOpens when too many have failed, for all workers: what waits stays where it is and loses no attempt. After
// that some are tried, and it closes when all of them have succeeded.
func TestABreakerOpens(t *testing.T) {
	conform(t, func(r *rig) {
		r = r.limited(breaking())
		ids := r.enqueue(r.newJob(), r.newJob(), r.newJob(), r.newJob(), r.newJob(), r.newJob(), r.newJob(), r.newJob())
		a, b := r.newLease(), r.newLease()
		got := r.turn(a, 4)
		r.claimed(got, ids[:4]...)
		r.claimed(r.turn(a, 1, got.Claims[0].finish(Exhaust)), ids[4]) // one of one is not enough
		r.wantStands(drayhorse.BreakerClosed)
		open := r.turn(a, 5, got.Claims[1].finish(Complete)) // one of two
		r.claimed(open)
		r.wantShut(open, open.Now.Add(time.Hour))
		r.wantStands(drayhorse.BreakerOpen)
		hold, err := r.part.Explain(r.ctx, ids[6])
		r.must(err)
		if len(hold.Shut) != 1 || hold.Shut[0].Breaker != drayhorse.BreakerOpen || !hold.Shut[0].Opens.Equal(open.NextDue) {
			r.t.Errorf("%+v; want the breaker open until %v", hold, open.NextDue)
		}
		r.coolDown()
		probes := r.turn(b, 5)
		r.claimed(probes, ids[5:7]...)
		r.wantShut(r.turn(a, 5, got.Claims[2].finish(Exhaust)), time.Time{}) // it was claimed before
		r.wantStands(drayhorse.BreakerHalfOpen)
		r.claimed(r.turn(b, 5, probes.Claims[0].finish(Complete)))
		r.claimed(r.turn(b, 5, probes.Claims[1].finish(Release)), ids[6]) // given back, and tried again
		r.kill(b)
		last := r.turn(a, 5)
		r.claimed(last, ids[6])
		r.claimed(r.turn(a, 5, last.Claims[0].finish(Complete)), ids[7])
		r.wantStands(drayhorse.BreakerClosed)
		r.damaged = true // the lease of the dead
	})
}

// TestAProbeThatFails opens a breaker again, and an operator closes it.
func TestAProbeThatFails(t *testing.T) {
	conform(t, func(r *rig) {
		r = r.limited(breaking())
		ids := r.enqueue(r.newJob(), r.newJob(), r.newJob(), r.newJob(), r.newJob())
		l := r.newLease()
		got := r.turn(l, 2)
		r.claimed(r.turn(l, 5, got.Claims[0].finish(Exhaust), got.Claims[1].finish(Exhaust)))
		r.coolDown()
		probes := r.turn(l, 5)
		r.claimed(probes, ids[2:4]...)
		again := r.turn(l, 5, probes.Claims[0].finish(Exhaust))
		r.claimed(again)
		r.wantShut(again, again.Now.Add(time.Hour))
		r.claimed(r.turn(l, 5, probes.Claims[1].finish(Complete))) // too late
		r.wantStands(drayhorse.BreakerOpen)
		r.set(breaking())
		if !r.takeBell() {
			r.t.Error("nobody is told that it is closed")
		}
		r.claimed(r.turn(l, 5), ids[4])
	})
}

// TestABreakerOfAKind holds up no other: jobs of the kind go aside until some are tried.
func TestABreakerOfAKind(t *testing.T) {
	conform(t, func(r *rig) {
		limit := breaking()
		limit.Kind = "test"
		r = r.limited(limit)
		ids := r.enqueue(r.newJob(), r.newJob(), r.newJob(), r.newJob(kind("other")), r.newJob())
		l := r.newLease()
		got := r.turn(l, 2)
		r.claimed(r.turn(l, 5, got.Claims[0].finish(Exhaust), got.Claims[1].finish(Exhaust)), ids[3])
		reply := r.RunTurns(r.ctx, &Turn{Lease: l, Want: 5, Lanes: []string{"test"}})[0]
		r.must(reply.Err)
		if len(reply.Claims) != 0 || len(reply.Lanes) != 0 || reply.NextDue.Sub(reply.Now) < 30*time.Minute {
			r.t.Errorf("%+v; want none, and to be told when", reply.Turned)
		}
		r.coolDown()
		reply = r.RunTurns(r.ctx, &Turn{Lease: l, Want: 5, Lanes: []string{"test"}})[0]
		r.must(reply.Err)
		r.claimed(reply.Turned, ids[2], ids[4])
	})
}
