package jobs

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

func startWithin(d time.Duration) func(*NewJob) {
	return func(j *NewJob) { j.Envelope.StartWithin = d }
}

// startsBy gives when a live job must have started, as Redis holds it; 0: it need not.
func (r *rig) startsBy(id string) int64 { return r.raw().scores[colExpiry][id] }

// makeLate has the time be over in which a job must have started.
func (r *rig) makeLate(ids ...string) {
	r.t.Helper()
	for _, id := range ids {
		if r.startsBy(id) == 0 {
			r.t.Fatalf("%q does not expire", id)
		}
		r.must(r.client.ZAdd(r.ctx, r.part.key(colExpiry), at(id, r.summary().Now.Add(-time.Second))).Err())
	}
}

// wantExpired wants jobs to be discarded for not having started in time.
func (r *rig) wantExpired(ids ...string) {
	r.t.Helper()
	for _, id := range ids {
		r.wantState(id, drayhorse.Discarded)
		info := r.info(id)
		if n := len(info.Errors); n == 0 || !strings.HasPrefix(info.Errors[n-1].Message, "expired") || info.Attempt != 1 {
			r.t.Errorf("%q: attempt %d, errors %+v; want the first, and a reason that begins with expired", id, info.Attempt, info.Errors)
		}
	}
	if got := r.summary().Totals["expired"]; got != int64(len(ids)) {
		r.t.Errorf("%d expired in all; want %d", got, len(ids))
	}
}

func (r *rig) wantSwept(expired int) {
	r.t.Helper()
	if swept, err := r.part.Sweep(r.ctx); err != nil || swept.Expired != expired {
		r.t.Fatalf("swept %+v, %v; want %d expired", swept, err, expired)
	}
}

func TestNoJobStartsAfterItsTime(t *testing.T) {
	conform(t, func(r *rig) {
		late := r.enqueue(r.newJob(startWithin(time.Minute)), r.newJob(startWithin(time.Hour), ownID("own")))
		inTime := r.enqueue(r.newJob(startWithin(time.Hour)), r.newJob())
		r.makeLate(late...)
		turned := r.turn(r.newLease(), 10)
		r.claimed(turned, inTime...)
		if !slices.Equal(turned.Discarded, late) {
			r.t.Errorf("the turn has discarded %q; want %q", turned.Discarded, late)
		}
		r.wantExpired(late...)
		if got := r.duplicates(r.newJob(ownID("own"))); !got[0] {
			r.t.Error("its ID is free at once; want it taken for 24 h as after other ends")
		}
	})
}

// TestTheTimeToStartCounts from the enqueue, or from when the job is due.
func TestTheTimeToStartCounts(t *testing.T) {
	conform(t, func(r *rig) {
		ids := r.enqueue(
			r.newJob(startWithin(time.Minute)), r.newJob(startWithin(time.Minute), in(time.Hour)),
			r.newJob(startWithin(time.Minute), func(j *NewJob) { j.At = time.Now().Add(-time.Hour) }))
		now := r.summary().Now
		for i, want := range []time.Duration{time.Minute, time.Hour + time.Minute, time.Minute} {
			if got := time.UnixMilli(r.startsBy(ids[i])).Sub(now); got > want || got < want-30*time.Second {
				r.t.Errorf("job %d must start within %v; want %v", i, got, want)
			}
		}
	})
}

// TestWhatHasStartedDoesNotExpire, whatever comes after the start; what was claimed and
// handed back has not started.
func TestWhatHasStartedDoesNotExpire(t *testing.T) {
	for name, after := range map[string]struct {
		finish  func(*Claim) []Finish
		expires bool
	}{
		"runs":     {func(*Claim) []Finish { return nil }, false},
		"fails":    {func(c *Claim) []Finish { return []Finish{c.finish(Fail, later)} }, false},
		"snoozes":  {func(c *Claim) []Finish { return []Finish{c.finish(Snooze, later)} }, false},
		"released": {func(c *Claim) []Finish { return []Finish{c.finish(Release)} }, true},
		"diverted": {func(c *Claim) []Finish { return []Finish{c.finish(Divert, func(f *Finish) { f.Lane = "k" })} }, true},
	} {
		t.Run(name, func(t *testing.T) {
			conform(t, func(r *rig) {
				id := r.enqueue(r.newJob(startWithin(time.Hour)))[0]
				l := r.newLease()
				claims := r.turn(l, 1).Claims
				r.turn(l, 0, after.finish(&claims[0])...)
				if at := r.startsBy(id); after.expires {
					r.makeLate(id)
					r.wantSwept(1)
					r.wantExpired(id)
				} else if now := r.summary().Now; at != 0 && at < now.Add(1000*time.Hour).UnixMilli() {
					r.t.Errorf("%q must have started at %v", id, time.UnixMilli(at))
				}
			})
		})
	}
}

func later(f *Finish) { f.Delay = time.Hour }

func TestARescuedJobDoesNotExpire(t *testing.T) {
	conform(t, func(r *rig) {
		id := r.enqueue(r.newJob(startWithin(time.Hour)))[0]
		l := r.newLease()
		r.turn(l, 1)
		r.kill(l)
		if at := r.startsBy(id); at != 0 {
			r.t.Errorf("it must have started by %d; want it to have started", at)
		}
	})
}

// TestWhatNobodyClaimsExpires: in a paused queue, in a lane that no worker serves, before
// its time was noticed by anybody; in bounded steps that leave nothing behind.
func TestWhatNobodyClaimsExpires(t *testing.T) {
	conform(t, func(r *rig) {
		r.must(r.part.Pause(r.ctx, Pause{}))
		news := make([]*NewJob, sweepStep+20)
		for i := range news {
			news[i] = r.newJob(startWithin(time.Minute))
		}
		ids := r.enqueue(news...)
		due := r.enqueue(r.newJob(startWithin(time.Minute), in(time.Hour)))
		r.makeLate(append(ids, due...)...)
		stays := r.enqueue(r.newJob(startWithin(time.Hour)))[0]
		r.wantSwept(len(ids) + 1)
		r.wantExpired(append(ids, due...)...)
		r.wantState(stays, drayhorse.Available)
		if raw := r.raw(); len(raw.hashes[colStale]) != 0 || len(raw.lists[colReady]) != 1 {
			r.t.Errorf("%d dead entries in a line of %d; want none and 1", len(raw.hashes[colStale]), len(raw.lists[colReady]))
		}
	})
}

// TestARetryOfAnExpiredJobStays: an operator wants it to run.
func TestARetryOfAnExpiredJobStays(t *testing.T) {
	conform(t, func(r *rig) {
		id := r.enqueue(r.newJob(startWithin(time.Minute)))[0]
		r.makeLate(id)
		r.wantSwept(1)
		r.must(r.part.Retry(r.ctx, id))
		if at := r.startsBy(id); at != 0 {
			r.t.Errorf("it must start by %d; want it to wait", at)
		}
		r.claimed(r.turn(r.newLease(), 1), id)
	})
}

// TestUniqueJobsThatExpire free their keys; one whose time is over gives its place to the
// next, before anybody has swept.
func TestUniqueJobsThatExpire(t *testing.T) {
	conform(t, func(r *rig) {
		first := uniquely(drayhorse.UniqueBy{})
		id := r.wantNew(args(`1`), first, startWithin(time.Minute))
		r.wantOther(id, args(`2`), first)
		r.makeLate(id)
		r.wantOther(id, args(`3`), uniquely(drayhorse.UniqueBy{Conflict: drayhorse.Reject}), startWithin(time.Hour))
		if got, at := string(r.info(id).Args), r.startsBy(id); got != "3" || at < r.summary().Now.UnixMilli() {
			r.t.Errorf("args %s, to start by %d; want those of the last, and its time", got, at)
		}
		r.makeLate(id)
		r.wantSwept(1)
		r.wantExpired(id)
		r.wantNew(args(`4`), first)
	})
}
