package jobs

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

// uniquely makes a job unique by a key, "k" unless by has one.
func uniquely(by drayhorse.UniqueBy) func(*NewJob) {
	if by.Key == "" {
		by.Key = "k"
	}
	return func(j *NewJob) {
		if err := j.SetUnique(&by); err != nil {
			panic(err)
		}
	}
}

func args(text string) func(*NewJob) { return func(j *NewJob) { j.Envelope.Args = []byte(text) } }

// put stores one job and gives what became of it.
func (r *rig) put(change ...func(*NewJob)) (string, Stored) {
	r.t.Helper()
	j := r.newJob(change...)
	stored, err := r.writer.Enqueue(r.ctx, j)
	r.must(err)
	return j.ID, stored[0]
}

// wantNew wants the job to be stored; wantOther wants it to be a duplicate of another.
func (r *rig) wantNew(change ...func(*NewJob)) string {
	r.t.Helper()
	id, stored := r.put(change...)
	if stored.Duplicate {
		r.t.Fatalf("stored = %+v; want a new job", stored)
	}
	return id
}

func (r *rig) wantOther(other string, change ...func(*NewJob)) {
	r.t.Helper()
	if id, stored := r.put(change...); !stored.Duplicate || stored.Other != other || r.jobCount(id) != 0 {
		r.t.Fatalf("stored = %+v; want a duplicate of %q", stored, other)
	}
}

// jobCount is how many live jobs have the id.
func (r *rig) jobCount(id string) int {
	if _, ok := r.raw().hashes[colJobs][id]; ok {
		return 1
	}
	return 0
}

func (r *rig) wantNoKeys() {
	r.t.Helper()
	if n, err := r.client.Exists(r.ctx, r.part.key(colUniques)).Result(); err != nil || n != 0 {
		all, _ := r.client.HGetAll(r.ctx, r.part.key(colUniques)).Result()
		r.t.Errorf("keys are left: %q, %v", all, err)
	}
}

func TestConflictsOfUniqueJobs(t *testing.T) {
	conform(t, func(r *rig) {
		first, reject := uniquely(drayhorse.UniqueBy{}), uniquely(drayhorse.UniqueBy{Conflict: drayhorse.Reject})
		last := uniquely(drayhorse.UniqueBy{Conflict: drayhorse.KeepLast})
		id := r.wantNew(args(`1`), first)
		r.wantNew(args(`1`), uniquely(drayhorse.UniqueBy{Key: "another"}))
		r.wantNew(args(`1`))
		r.wantOther(id, args(`2`), first)
		if _, stored := r.put(args(`2`), reject); !stored.Rejected || stored.Other != id {
			r.t.Errorf("stored = %+v; want it rejected", stored)
		}
		if got := string(r.info(id).Args); got != "1" {
			r.t.Errorf("args = %s; want those of the first", got)
		}
		r.wantOther(id, args(`3`), last)
		if got := string(r.info(id).Args); got != "3" {
			r.t.Errorf("args = %s; want those of the last", got)
		}
		l := r.newLease()
		claims := r.turn(l, 1).Claims
		if claims[0].ID != id {
			r.t.Fatalf("claimed %+v", claims)
		}
		r.wantOther(id, args(`4`), first)
		more := r.wantNew(args(`5`), last) // beside one that runs
		r.wantOther(more, args(`6`), last)
		r.turn(l, 0, claims[0].finish(Complete))
		r.wantOther(more, args(`7`), first) // the end of the first frees nothing of the second
		if got := string(r.info(more).Args); got != "6" {
			r.t.Errorf("args = %s; want those of the last", got)
		}
	})
}

func TestPostponedJobs(t *testing.T) {
	conform(t, func(r *rig) {
		by := drayhorse.UniqueBy{Conflict: drayhorse.Postpone}
		id := r.wantNew(args(`1`), in(time.Hour), uniquely(by))
		r.wantOther(id, args(`2`), in(3*time.Hour), uniquely(by))
		off := func() time.Duration { i := r.info(id); return i.DueAt.Sub(r.summary().Now) }
		if d := off(); d < 2*time.Hour || d > 3*time.Hour || string(r.info(id).Args) != "2" {
			r.t.Errorf("due in %v with %s; want 3h, the last arguments", d, r.info(id).Args)
		}
		r.must(r.client.Del(r.ctx, r.part.key(colBell)).Err())
		by.MaxWait = 90 * time.Minute
		r.wantOther(id, args(`3`), in(3*time.Hour), uniquely(by))
		if d := off(); d < time.Hour || d > 90*time.Minute {
			r.t.Errorf("due in %v; want it put off for 90m in all", d)
		}
		if r.client.Exists(r.ctx, r.part.key(colBell)).Val() != 1 {
			r.t.Error("nobody is told that the next job is due at another time")
		}
		by.MaxWait = time.Millisecond
		r.wantOther(id, args(`4`), in(3*time.Hour), uniquely(by))
		if got := r.turn(r.newLease(), 1); len(got.Claims) != 1 || got.Claims[0].ID != id {
			r.t.Errorf("turned = %+v; want the job, whose time is up", got)
		}
	})
}

// TestAFailedJobIsNotPutOff: its time is that of its backoff.
func TestAFailedJobIsNotPutOff(t *testing.T) {
	conform(t, func(r *rig) {
		id := r.wantNew(uniquely(drayhorse.UniqueBy{}))
		l := r.newLease()
		r.turn(l, 0, r.turn(l, 1).Claims[0].finish(Fail, func(f *Finish) { f.Delay = time.Hour }))
		before := r.info(id).DueAt
		r.wantOther(id, args(`2`), in(3*time.Hour), uniquely(drayhorse.UniqueBy{Conflict: drayhorse.Postpone}))
		if info := r.info(id); !info.DueAt.Equal(before) || string(info.Args) != "2" {
			r.t.Errorf("due at %v with %s; want %v, the last arguments", info.DueAt, info.Args, before)
		}
	})
}

// TestAKeyIsFreedByItsJobAlone, at every way out, and only there.
func TestAKeyIsFreedByItsJobAlone(t *testing.T) {
	by := uniquely(drayhorse.UniqueBy{})
	claimed := func(outcome Outcome, change ...func(*Finish)) func(*rig, string) {
		return func(r *rig, _ string) {
			l := r.newLease()
			r.turn(l, 0, r.turn(l, 1).Claims[0].finish(outcome, change...))
		}
	}
	for name, c := range map[string]struct {
		freed bool
		way   func(r *rig, id string)
	}{
		"completed":                {true, claimed(Complete)},
		"completed as plain":       {true, claimed(Complete, func(f *Finish) { f.Keep = false })}, // by a program that knows no keys
		"out of attempts":          {true, claimed(Exhaust)},
		"cancelled by its handler": {true, claimed(Cancel)},
		"failed":                   {false, claimed(Fail, func(f *Finish) { f.Delay = time.Hour })},
		"snoozed":                  {false, claimed(Snooze, func(f *Finish) { f.Delay = time.Hour })},
		"released":                 {false, claimed(Release)},
		"set aside":                {false, claimed(Divert, func(f *Finish) { f.Lane = "test" })},
		"cancelled waiting":        {true, func(r *rig, id string) { r.must(r.part.Cancel(r.ctx, id)) }},
		"cancelled running": {true, func(r *rig, id string) {
			l := r.newLease()
			c := r.turn(l, 1).Claims[0]
			r.must(r.part.Cancel(r.ctx, id))
			r.turn(l, 0, c.finish(Fail))
		}},
		"cancelled, then its worker died": {true, func(r *rig, id string) {
			l := r.newLease()
			r.turn(l, 1)
			r.must(r.part.Cancel(r.ctx, id))
			r.kill(l)
		}},
		"rescued":  {false, func(r *rig, _ string) { l := r.newLease(); r.turn(l, 1); r.kill(l) }},
		"poisoned": {true, func(r *rig, _ string) { r.crashes(1, r.raw().lists[colReady]...) }},
		"deleted":  {true, func(r *rig, id string) { r.must(r.part.Delete(r.ctx, id)) }},
		"purged": {true, func(r *rig, _ string) {
			_, err := r.part.Purge(r.ctx, drayhorse.Available)
			r.must(err)
		}},
		"lost": {true, func(r *rig, id string) {
			r.damaged = true
			r.must(r.client.HDel(r.ctx, r.part.key(colJobs), id).Err())
		}},
	} {
		t.Run(name, func(t *testing.T) {
			conform(t, func(r *rig) {
				id := r.wantNew(by)
				c.way(r, id)
				if !c.freed {
					r.wantOther(id, by)
					return
				}
				next := r.wantNew(by)
				r.wantOther(next, by)
			})
		})
	}
}

func TestUniqueUntilStarted(t *testing.T) {
	conform(t, func(r *rig) {
		by := uniquely(drayhorse.UniqueBy{Until: drayhorse.UntilStarted})
		id := r.wantNew(by)
		r.wantOther(id, by)
		l := r.newLease()
		claims := r.turn(l, 1).Claims
		r.wantNoKeys()
		next := r.wantNew(by)
		r.turn(l, 0, claims[0].finish(Fail)) // it runs again, and takes nothing
		r.wantOther(next, by)
		r.turn(l, 0, r.finishAll(r.turn(l, 5), Complete)...)
		r.wantNoKeys()
	})
}

// TestUniqueForATime outlasts the job.
func TestUniqueForATime(t *testing.T) {
	conform(t, func(r *rig) {
		hour := drayhorse.UniqueBy{For: time.Hour}
		id := r.wantNew(uniquely(hour))
		l := r.newLease()
		r.turn(l, 0, r.finishAll(r.turn(l, 1), Complete)...)
		r.wantOther(id, uniquely(hour))
		hour.Conflict = drayhorse.KeepLast
		next := r.wantNew(uniquely(hour)) // waits until the time is over
		if info := r.info(next); info.State != drayhorse.Scheduled || info.DueAt.Sub(r.summary().Now) < 59*time.Minute {
			r.t.Errorf("%+v; want it to wait for an hour", info)
		}
		r.must(r.part.Delete(r.ctx, next))
		short := uniquely(drayhorse.UniqueBy{Key: "short", For: time.Millisecond})
		r.wantNew(short)
		r.turn(l, 0, r.finishAll(r.turn(l, 1), Complete)...)
		before := r.summary().Now
		for !r.summary().Now.After(before.Add(2 * time.Millisecond)) {
		}
		r.wantNew(short)
	})
}

func TestUniqueInOneCall(t *testing.T) {
	conform(t, func(r *rig) {
		last := uniquely(drayhorse.UniqueBy{Conflict: drayhorse.KeepLast})
		a, b, c := r.newJob(args(`1`), last), r.newJob(args(`2`)), r.newJob(args(`3`), last)
		stored, err := r.writer.Enqueue(r.ctx, a, b, c)
		r.must(err)
		if stored[0].Duplicate || stored[1].Duplicate || stored[2].Other != a.ID {
			r.t.Fatalf("stored = %+v; want the third to be the first", stored)
		}
		again, _, err := r.part.enqueue(r.ctx, r.writer.keys, r.writer.seq, []*NewJob{a, b, c}, nil)
		r.must(err)
		for i := range again {
			again[i].Now = stored[i].Now
		}
		if !slices.Equal(again, stored) {
			r.t.Errorf("the same call again: %+v; want %+v", again, stored)
		}
		var got []string
		for _, claim := range r.turn(r.newLease(), 5).Claims {
			e, err := DecodeEnvelope(claim.Envelope)
			r.must(err)
			got = append(got, string(e.Args))
		}
		if !slices.Equal(got, []string{"3", "2"}) {
			r.t.Errorf("claimed %q; want 3, then 2", got)
		}
	})
}

func TestRetryTakesTheKeyAgain(t *testing.T) {
	conform(t, func(r *rig) {
		by := uniquely(drayhorse.UniqueBy{})
		id := r.wantNew(by)
		l := r.newLease()
		r.turn(l, 0, r.turn(l, 1).Claims[0].finish(Exhaust))
		next := r.wantNew(by)
		if err := r.part.Retry(r.ctx, id); !errors.Is(err, drayhorse.ErrDuplicate) {
			r.t.Errorf("retry beside another: %v; want ErrDuplicate", err)
		}
		r.wantState(id, drayhorse.Discarded)
		r.must(r.part.Delete(r.ctx, next))
		r.must(r.part.Retry(r.ctx, id))
		r.wantOther(id, by)
	})
}

// TestSweepFindsKeysThatNobodyHolds: of a time that is over, and of jobs that programs
// ended which know no keys.
func TestSweepFindsKeysThatNobodyHolds(t *testing.T) {
	conform(t, func(r *rig) {
		r.wantNew(uniquely(drayhorse.UniqueBy{}))
		r.wantNew(uniquely(drayhorse.UniqueBy{Key: "short", For: time.Millisecond}))
		held := r.wantNew(uniquely(drayhorse.UniqueBy{Key: "held"}), in(time.Hour))
		l := r.newLease()
		claims := r.turn(l, 2).Claims
		plain := func(f *Finish) { f.Keep = false }
		r.turn(l, 0, claims[0].finish(Complete, plain), claims[1].finish(Complete, plain))
		before := r.summary().Now
		for !r.summary().Now.After(before.Add(2 * time.Millisecond)) {
		}
		_, err := r.part.Sweep(r.ctx)
		r.must(err)
		r.wantOther(held, uniquely(drayhorse.UniqueBy{Key: "held"}))
		if n := r.client.HLen(r.ctx, r.part.key(colUniques)).Val(); n != 2 { // with the filler
			r.t.Errorf("%d rows are left; want the one that is held", n)
		}
		r.must(r.part.Cancel(r.ctx, held))
		r.wantNoKeys()
	})
}

func TestWhatCountsAsTheSame(t *testing.T) {
	t.Parallel()
	text := func(kind, args string, by drayhorse.UniqueBy) string {
		got, err := uniqueText(kind, []byte(args), &by)
		if err != nil {
			t.Fatalf("%s: %v", args, err)
		}
		return string(got)
	}
	all, user := drayhorse.UniqueBy{}, drayhorse.UniqueBy{Fields: []string{"user", "of"}}
	for _, c := range []struct {
		a, b string
		by   drayhorse.UniqueBy
		same bool
	}{
		{`{"a":1,"b":[2]}`, `{ "b" : [ 2 ], "a" : 1 }`, all, true},
		{`{"a":1,"b":[2]}`, `{"a":1,"b":[3]}`, all, false},
		{`{"a":9007199254740993}`, `{"a":9007199254740992}`, all, false}, // the same double
		{`{"a":{"x":1,"y":2}}`, `{"a":{"y":2,"x":1}}`, all, true},
		{`[1,2]`, `[2,1]`, all, false},
		{`{"user":1,"x":1}`, `{"x":2,"user":1}`, user, true},
		{`{"user":1,"of":null}`, `{"user":1}`, user, true},
		{`{"user":1}`, `{"of":1}`, user, false},
		{`{"user":"1"}`, `{"user":1}`, user, false},
	} {
		if got := text("k", c.a, c.by) == text("k", c.b, c.by); got != c.same {
			t.Errorf("%s and %s by %+v: same %v, want %v", c.a, c.b, c.by, got, c.same)
		}
	}
	if text("k", `1`, all) == text("l", `1`, all) {
		t.Error("kinds do not count")
	}
	if text("k", `1`, drayhorse.UniqueBy{Key: "x"}) != text("l", `2`, drayhorse.UniqueBy{Key: "x"}) {
		t.Error("a key is not all that counts")
	}
	if _, err := uniqueText("k", json.RawMessage(`[1]`), &user); !errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(err.Error(), "object") {
		t.Errorf("fields of an array: %v", err)
	}
}
