package jobs

import (
	"fmt"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

// perGroup declares a limit of each group of the partition's queue.
func (r *rig) perGroup(name, kind string, limit drayhorse.Limit) {
	r.t.Helper()
	limit.Name, limit.Queue, limit.Kind, limit.PerGroup = name, r.part.Queue, kind, true
	r.must(limit.Validate())
	_, err := r.SetLimit(r.ctx, &limit, true, "ann", "a test")
	r.must(err)
}

// wantNothingOfGates wants no key of limits in groups but for what is declared.
func (r *rig) wantNothingOfGates() {
	r.t.Helper()
	raw := readRaw(r.ctx, r.t, r.part)
	if len(raw.scores[colGates])+len(raw.scores[colBlocked])+len(raw.waiting()) > 0 {
		r.t.Errorf("left are gates %v, waits %v and %q", raw.scores[colGates], raw.scores[colBlocked], raw.waiting())
	}
}

// TestEachGroupHasALimit of what runs: those of one that has as many wait and hold up no other; each way out
// of running makes room in the same step, and tells who waits for it.
func TestEachGroupHasALimit(t *testing.T) {
	conform(t, func(r *rig) {
		r.perGroup("l", "", atOnce(2))
		g, h := r.enqueueGroup("g", 6), r.enqueueGroup("h", 1)
		none := r.enqueue(r.newJob(), r.newJob(), r.newJob())
		a, b := r.newLease(), r.newLease()
		got := r.turn(a, 20)
		r.claimed(got, g[0], h[0], none[0], g[1], none[1], none[2])
		r.wantShut(got, time.Time{})
		r.wantShut(r.turn(b, 5), time.Time{})
		r.takeBell()
		r.enqueueGroup("g", 1)
		if r.takeBell() {
			r.t.Error("a job of a group that waits wakes somebody")
		}
		k := r.enqueueGroup("k", 1)
		if !r.takeBell() {
			r.t.Error("a job of another group wakes nobody")
		}
		r.claimed(r.turn(b, 5), k...)
		if done := r.turn(a, 0, got.Claims[0].finish(Complete)); done.Left == 0 || !r.takeBell() {
			r.t.Errorf("%d left; want those that wait, and the bell rung", done.Left)
		}
		r.claimed(r.turn(b, 5), g[2])
		r.claimed(r.turn(a, 5, got.Claims[3].finish(Release)), g[1]) // in front of its lane again
		r.turn(a, 0, complete([]Claim{got.Claims[1], got.Claims[2], got.Claims[4], got.Claims[5]})...)
		r.kill(a)
		r.claimed(r.turn(b, 5), g[1])
		r.wantState(g[3], drayhorse.Available)
		r.damaged = true // the lease of the dead
	})
}

// TestAnIdleGroupLeavesNoGate.
func TestAnIdleGroupLeavesNoGate(t *testing.T) {
	conform(t, func(r *rig) {
		r.perGroup("l", "", drayhorse.Limit{Concurrency: 1, Rate: drayhorse.Rate{Jobs: 1, Per: time.Millisecond}})
		const groups = 50
		var news []*NewJob
		for i := range 2 * groups {
			news = append(news, r.newJob(ofGroup(fmt.Sprint("g", i%groups))))
		}
		r.enqueue(news...)
		l := r.newLease()
		for n, claims := 0, []Claim(nil); n < 2*groups; n += len(claims) {
			claims = r.turn(l, 7, complete(claims)...).Claims
			if len(claims) == 0 {
				time.Sleep(time.Millisecond) // by Redis's clock
			}
			if n+len(claims) == 2*groups {
				r.turn(l, 0, complete(claims)...)
			}
		}
		time.Sleep(2 * time.Millisecond)
		_, err := r.part.Sweep(r.ctx)
		r.must(err)
		r.turn(l, 1)
		r.wantNothingOfGates()
	})
}

// TestAKindHasALimitInEachGroup: its jobs go aside, and those of other kinds in the group start; it is known when
// one of each group may.
func TestAKindHasALimitInEachGroup(t *testing.T) {
	conform(t, func(r *rig) {
		r.perGroup("l", "test", perHour(1, 1))
		g, h := r.enqueueGroup("g", 3), r.enqueueGroup("h", 2)
		other := r.enqueueGroup("g", 1, kind("other"))
		l := r.newLease()
		got := r.turn(l, 20)
		r.claimed(got, g[0], h[0], other[0])
		reply := r.RunTurns(r.ctx, &Turn{Lease: l, Want: 20, Lanes: []string{"test"}})[0]
		r.must(reply.Err)
		r.claimed(reply.Turned)
		if until := got.Now.Add(time.Hour); reply.Left != 0 || len(reply.Lanes) != 0 || reply.NextDue.Sub(until).Abs() > time.Second {
			r.t.Errorf("%d left in lanes %q, next at %v; want none until %v", reply.Left, reply.Lanes, reply.NextDue, until)
		}
		o := r.Observe(r.ctx, r.part)[0]
		if o.Ready != 0 || len(o.Lanes) != 0 || !o.NextDue.Equal(reply.NextDue) {
			r.t.Errorf("%d are seen, and lanes %q, next at %v; want what the turn says", o.Ready, o.Lanes, o.NextDue)
		}
		if s := r.summary(); s.Parked != 0 || s.Held != 3 {
			r.t.Errorf("%d are parked, %d are aside; want all three aside for their limit", s.Parked, s.Held)
		}
		hold, err := r.part.Explain(r.ctx, g[1])
		r.must(err)
		if len(hold.Shut) != 1 || hold.Shut[0].Limit != "l" || !hold.Shut[0].Opens.Equal(reply.NextDue) || hold.Parked {
			r.t.Errorf("%+v; want limit l until %v", hold, reply.NextDue)
		}
		r.must(RemoveLimit(r.ctx, r.parts, "l"))
		r.claimed(r.turn(l, 20))
		reply = r.RunTurns(r.ctx, &Turn{Lease: l, Want: 20, Lanes: []string{"test"}})[0]
		r.must(reply.Err)
		r.claimed(reply.Turned, g[1], h[1], g[2])
		r.turn(l, 1)
		r.wantNothingOfGates()
		if n := r.client.HExists(r.ctx, r.part.key(colMeta), "group_limits").Val(); n {
			r.t.Error("it is noted that there are limits in groups")
		}
	})
}

// TestLimitsOfGroupsChangeAtOnce, for those that wait and for what runs.
func TestLimitsOfGroupsChangeAtOnce(t *testing.T) {
	conform(t, func(r *rig) {
		r.perGroup("l", "", perHour(1, 1))
		g := r.enqueueGroup("g", 6)
		l := r.newLease()
		r.claimed(r.turn(l, 9), g[0])
		r.claimed(r.turn(l, 9))
		r.takeBell()
		r.perGroup("l", "", atOnce(3))
		if !r.takeBell() {
			r.t.Error("nobody is told that there is room")
		}
		more := r.turn(l, 9) // one runs that no limit had counted
		r.claimed(more, g[1], g[2])
		r.perGroup("l", "", atOnce(1))
		r.claimed(r.turn(l, 9, complete(more.Claims)...))
		r.must(RemoveLimit(r.ctx, r.parts, "l"))
		r.claimed(r.turn(l, 9), g[3], g[4], g[5])
	})
}

// TestAGroupRests where a handler says so, if a rate of its group is what it has met; others go on.
func TestAGroupRests(t *testing.T) {
	conform(t, func(r *rig) {
		r.perGroup("l", "", drayhorse.Limit{Rate: drayhorse.Rate{Jobs: 1000, Per: time.Second, Burst: 100}})
		g, h := r.enqueueGroup("g", 2), r.enqueueGroup("h", 2)
		l := r.newLease()
		got := r.turn(l, 1)
		r.claimed(got, g[0])
		rest := got.Claims[0].finish(Limit)
		rest.Lane, rest.Delay = "test", time.Hour
		r.claimed(r.turn(l, 9, rest), h...)
		hold, err := r.part.Explain(r.ctx, g[1])
		r.must(err)
		if hold.Rest.Sub(got.Now.Add(time.Hour)).Abs() > time.Minute {
			r.t.Errorf("its group rests until %v; want an hour from %v", hold.Rest, got.Now)
		}
		r.must(r.part.Resume(r.ctx, Pause{Group: "g"}))
		reply := r.RunTurns(r.ctx, &Turn{Lease: l, Want: 9, Lanes: []string{"=g"}})[0]
		r.must(reply.Err)
		r.claimed(reply.Turned, g...)
	})
}

// TestASuspectWaitsForItsGroup, and is tried alone when there is room.
func TestASuspectWaitsForItsGroup(t *testing.T) {
	conform(t, func(r *rig) {
		id := r.enqueueGroup("g", 1)[0]
		r.suspect(id)
		r.perGroup("l", "", atOnce(1))
		other := r.enqueueGroup("g", 1)[0]
		a, b := r.newLease(), r.newLease()
		trial := func(l *Lease) *Turned {
			reply := r.RunTurns(r.ctx, &Turn{Lease: l, Want: 5, Trial: true})[0]
			r.must(reply.Err)
			return reply.Turned
		}
		reply := r.RunTurns(r.ctx, &Turn{Lease: a, Want: 5})[0] // not a suspect
		r.must(reply.Err)
		r.claimed(reply.Turned, other)
		r.claimed(trial(b))
		reply = r.RunTurns(r.ctx, &Turn{Lease: a, Want: 5, Finishes: complete(reply.Claims)})[0]
		r.must(reply.Err)
		r.claimed(reply.Turned)
		r.claimed(trial(r.newLease()), id)
	})
}

// TestLimitsOfGroupsOverPartitions: all jobs of a group are in one, so that each partition has its limits.
func TestLimitsOfGroupsOverPartitions(t *testing.T) {
	t.Parallel()
	r := newRig(t, sharedURL(t), 4)
	r.perGroup("l", "", atOnce(1))
	for i, p := range r.parts {
		if got := r.client.HGet(r.ctx, p.key(colMeta), "group_limits").Val(); got == "" {
			t.Errorf("partition %d has no limit", i)
		}
	}
	all, err := r.Limits(r.ctx, r.part)
	r.must(err)
	if len(all) != 1 || !all[0].PerGroup || all[0].Kind != "" || all[0].Concurrency != 1 || all[0].By != "ann" {
		t.Errorf("declared are %+v", all)
	}
	r.must(RemoveLimit(r.ctx, r.parts, "l"))
	r.wantError(RemoveLimit(r.ctx, r.parts, "l"), drayhorse.ErrNotFound)
	for i, p := range r.parts {
		if got := r.client.HGet(r.ctx, p.key(colMeta), "group_limits").Val(); got != "" {
			t.Errorf("partition %d has %q still", i, got)
		}
	}
}
