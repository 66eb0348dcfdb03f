package jobs

import (
	"fmt"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

// limited is a queue of one partition with a limit.
func (r *rig) limited(limit drayhorse.Limit) *rig {
	r.t.Helper()
	parts, err := r.Queue(r.ctx, "limited")
	r.must(err)
	l := *r
	l.parts, l.part, l.writer = parts, parts[0], NewWriter(parts[0])
	r.t.Cleanup(l.writer.Close)
	l.set(limit)
	return &l
}

// set sets the limit "l" as an operator.
func (r *rig) set(limit drayhorse.Limit) {
	r.t.Helper()
	limit.Name, limit.Queue = "l", r.part.Queue
	r.must(limit.Validate())
	_, err := r.SetLimit(r.ctx, &limit, true, "ann", "a test")
	r.must(err)
}

// wantShut wants nobody to be told of jobs that may not start.
func (r *rig) wantShut(got *Turned, until time.Time) {
	r.t.Helper()
	o := r.Observe(r.ctx, r.part)[0]
	_, lengths := r.RunTurnsAndLook(r.ctx, nil, r.parts)
	if got.Left != 0 || o.Ready != 0 || lengths[0] != 0 || !got.NextDue.Equal(until) || !o.NextDue.Equal(until) {
		r.t.Errorf("%d left, %d seen, %d counted, next at %v and %v; want none until %v", got.Left, o.Ready, lengths[0], got.NextDue, o.NextDue, until)
	}
}

func atOnce(n int) drayhorse.Limit { return drayhorse.Limit{Concurrency: n} }

func perHour(n, burst int) drayhorse.Limit {
	return drayhorse.Limit{Rate: drayhorse.Rate{Jobs: n, Per: time.Hour, Burst: burst}}
}

// TestNoMoreRunThanMay: over all leases; each exit of running makes room in the same step, and
// tells who waits for it.
func TestNoMoreRunThanMay(t *testing.T) {
	conform(t, func(r *rig) {
		r = r.limited(atOnce(2))
		ids := r.enqueue(r.newJob(), r.newJob(), r.newJob(), r.newJob(), r.newJob(), r.newJob())
		a, b := r.newLease(), r.newLease()
		got := r.turn(a, 5)
		r.claimed(got, ids[:2]...)
		r.wantShut(got, time.Time{})
		r.wantShut(r.turn(b, 5), time.Time{})
		r.must(r.client.Del(r.ctx, r.part.key(colBell)).Err())
		if got := r.turn(a, 0, complete(got.Claims[:1])...); got.Left != 4 || !r.takeBell() {
			r.t.Errorf("%d left; want those that wait, and the bell rung", got.Left)
		}
		r.claimed(r.turn(b, 5), ids[2])
		r.claimed(r.turn(a, 5, got.Claims[1].finish(Release)), ids[1]) // in front of its line again
		r.kill(a)
		r.claimed(r.turn(b, 5), ids[1])
		r.wantState(ids[3], drayhorse.Available)
	})
}

// TestNoMoreStartThanMay: as many as the burst at once, then one after the other; those who
// look are told when.
func TestNoMoreStartThanMay(t *testing.T) {
	conform(t, func(r *rig) {
		r = r.limited(perHour(2, 3))
		ids := r.enqueue(r.newJob(), r.newJob(), r.newJob(), r.newJob(), r.newJob())
		l := r.newLease()
		got := r.turn(l, 5)
		r.claimed(got, ids[:3]...)
		r.wantShut(got, got.Now.Add(30*time.Minute))
		due := got.NextDue
		got = r.turn(l, 5, got.Claims[0].finish(Release), got.Claims[1].finish(Complete)) // what was started was
		r.claimed(got)
		r.wantShut(got, due)
	})
}

// TestWhatOldProgramsEndIsNoticed: they take no note away when a job ends.
func TestWhatOldProgramsEndIsNoticed(t *testing.T) {
	conform(t, func(r *rig) {
		r = r.limited(atOnce(1))
		ids := r.enqueue(r.newJob(), r.newJob())
		r.wantShut(r.turn(r.newLease(), 2), time.Time{})
		r.must(r.client.HDel(r.ctx, r.part.key(colRunning), ids[0]).Err())
		r.must(r.client.HDel(r.ctx, r.part.key(colJobs), ids[0]).Err())
		before := r.summary().Now.Add(-time.Minute).UnixMilli()
		r.must(r.client.HSet(r.ctx, r.part.key(colMeta), "gate", fmt.Sprintf("%d,%d", startFar, before)).Err())
		if o := r.Observe(r.ctx, r.part)[0]; o.Ready != 1 {
			r.t.Errorf("%d are seen; want the one that may start", o.Ready)
		}
		r.claimed(r.turn(r.newLease(), 2), ids[1])
	})
}

// TestLimitsChangeAtOnce, for what is queued and for what runs.
func TestLimitsChangeAtOnce(t *testing.T) {
	conform(t, func(r *rig) {
		r = r.limited(atOnce(1))
		ids := r.enqueue(r.newJob(), r.newJob(), r.newJob(), r.newJob())
		l := r.newLease()
		claims := r.turn(l, 5).Claims
		r.set(atOnce(3))
		if !r.takeBell() {
			r.t.Error("nobody is told that there is room")
		}
		more := r.turn(l, 5)
		r.claimed(more, ids[1], ids[2])
		r.set(atOnce(1))
		claims = append(claims, more.Claims...)
		r.claimed(r.turn(l, 5, claims[0].finish(Complete), claims[1].finish(Complete))) // one runs
		r.must(RemoveLimit(r.ctx, r.parts, "l"))
		r.wantError(RemoveLimit(r.ctx, r.parts, "l"), drayhorse.ErrNotFound)
		r.claimed(r.turn(l, 5), ids[3])
		if n := r.client.Exists(r.ctx, r.part.key(colLimits), r.part.key(colGates)).Val(); n != 0 {
			r.t.Errorf("%d keys of limits are left", n)
		}
	})
}

// TestAnOperatorsLimitHolds: what workers declare does not change it until it is removed.
func TestAnOperatorsLimitHolds(t *testing.T) {
	conform(t, func(r *rig) {
		r = r.limited(atOnce(1))
		declare := func(n int) *Declared {
			now, err := r.SetLimit(r.ctx, &drayhorse.Limit{Name: "l", Queue: r.part.Queue, Concurrency: n}, false, "", "")
			r.must(err)
			return now
		}
		if now := declare(7); now.Concurrency != 1 || !now.Operator || now.Version != 1 || now.By != "ann" || now.Why != "a test" || now.At.IsZero() {
			r.t.Errorf("%+v holds; want the operator's", now)
		}
		r.must(RemoveLimit(r.ctx, r.parts, "l"))
		if now := declare(7); now.Concurrency != 7 || now.Operator || now.Version != 1 {
			r.t.Errorf("%+v holds; want the program's", now)
		}
		if now := declare(7); now.Version != 1 {
			r.t.Errorf("version %d; want no change", now.Version)
		}
		if now := declare(8); now.Concurrency != 8 || now.Version != 2 {
			r.t.Errorf("%+v holds; want the last program's", now)
		}
		limit := perHour(100, 20)
		r.set(limit)
		all, err := r.Limits(r.ctx, r.part)
		if err != nil || len(all) != 1 || all[0].Rate != limit.Rate || all[0].Version != 3 || all[0].Queue != "limited" {
			r.t.Errorf("%+v, %v; want the rate as it was set", all, err)
		}
	})
}

func TestSeveralLimitsHoldTogether(t *testing.T) {
	conform(t, func(r *rig) {
		r = r.limited(atOnce(3))
		for i := range 15 {
			l := drayhorse.Limit{Name: string(rune('a'+i)) + "1", Queue: r.part.Queue, Rate: drayhorse.Rate{Jobs: 1, Per: time.Hour, Burst: 2 + i}}
			_, err := r.SetLimit(r.ctx, &l, true, "", "")
			r.must(err)
		}
		_, err := r.SetLimit(r.ctx, &drayhorse.Limit{Name: "one-too-many", Queue: r.part.Queue, Concurrency: 1}, true, "", "")
		r.wantError(err, drayhorse.ErrInvalid)
		ids := r.enqueue(r.newJob(), r.newJob(), r.newJob(), r.newJob())
		got := r.turn(r.newLease(), 4)
		r.claimed(got, ids[:2]...)
		r.wantShut(got, got.Now.Add(time.Hour)) // by the rate of the least burst, though fewer run than may
	})
}
