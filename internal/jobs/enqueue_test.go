package jobs

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

// duplicates enqueues jobs in one call and says which were known.
func (r *rig) duplicates(jobs ...*NewJob) []bool {
	r.t.Helper()
	stored, err := r.writer.Enqueue(r.ctx, jobs...)
	r.must(err)
	out := make([]bool, len(stored))
	for i := range stored {
		out[i] = stored[i].Duplicate
	}
	return out
}

func (r *rig) wantDuplicates(got []bool, want ...bool) {
	r.t.Helper()
	if !slices.Equal(got, want) {
		r.t.Fatalf("duplicates = %v, want %v", got, want)
	}
}

func TestOwnIDIsEnqueuedOnceWhileItIsKnown(t *testing.T) {
	conform(t, func(r *rig) {
		own := func() *NewJob { return r.newJob(ownID("order-1"), retained) }
		r.wantDuplicates(r.duplicates(own(), own(), r.newJob(ownID("order-2"))), false, true, false)
		r.wantDuplicates(r.duplicates(own()), true) // live
		l := r.newLease()
		claims := r.turn(l, 2).Claims
		r.wantDuplicates(r.duplicates(own()), true) // running
		r.turn(l, 0, claims[0].finish(Complete), claims[1].finish(Complete))
		seen := r.part.key(colSeen)
		r.wantDuplicates(r.duplicates(own(), r.newJob(ownID("order-2"))), true, true) // it ended a moment ago
		r.must(r.client.ZAdd(r.ctx, seen, at("order-1", time.Now().Add(time.Hour))).Err())
		r.must(r.part.Delete(r.ctx, "order-1"))
		r.wantDuplicates(r.duplicates(own()), true) // seen
		r.wantState("order-1", drayhorse.Completed)
	})
}

// TestOwnIDIsTakenForADay: one rule for every end. After that, or for a job that says so,
// a new one replaces what is kept of it.
func TestOwnIDIsTakenForADay(t *testing.T) {
	conform(t, func(r *rig) {
		l := r.newLease()
		finish := func(outcome Outcome) func(id string) {
			return func(string) { r.turn(l, 0, r.turn(l, 1).Claims[0].finish(outcome)) }
		}
		ends := map[string]func(id string){
			"completed": finish(Complete), "discarded": finish(Exhaust), "cancelled": finish(Cancel),
			"cancelled-while-it-waits": func(id string) { r.must(r.part.Cancel(r.ctx, id)) },
			"deleted":                  func(id string) { r.must(r.part.Delete(r.ctx, id)) },
			"purged": func(string) {
				_, err := r.part.Purge(r.ctx, drayhorse.Available)
				r.must(err)
			},
		}
		for id, end := range ends {
			own := func(change ...func(*NewJob)) *NewJob { return r.newJob(append(change, ownID(id), retained)...) }
			r.enqueue(own())
			end(id)
			r.wantDuplicates(r.duplicates(own()), true)
			if left := time.Until(time.UnixMilli(r.raw().scores[colSeen][id])); left < 23*time.Hour || left > 25*time.Hour {
				r.t.Errorf("%s: taken for %v, want 24h", id, left)
			}
			r.wantDuplicates(r.duplicates(own(replacing), own(replacing)), false, true) // not what is live
			r.wantState(id, drayhorse.Available)
			end(id)
			r.must(r.client.ZAdd(r.ctx, r.part.key(colSeen), at(id, time.Now().Add(-time.Second))).Err())
			r.wantDuplicates(r.duplicates(own()), false)
			r.wantState(id, drayhorse.Available)
			end(id)
		}
	})
}

// TestHowAnOwnIDEndedIsKnownForADay, also where nothing else is left of its job: one that was
// deleted before it ended never ran to an end, and has not completed.
func TestHowAnOwnIDEndedIsKnownForADay(t *testing.T) {
	conform(t, func(r *rig) {
		finish := func(outcome Outcome, then func(id string)) func(id string) {
			return func(id string) {
				l := r.newLease()
				r.turn(l, 0, r.turn(l, 1).Claims[0].finish(outcome))
				then(id)
			}
		}
		remove := func(id string) { r.must(r.part.Delete(r.ctx, id)) }
		for id, c := range map[string]struct {
			end  func(id string)
			want drayhorse.State
		}{
			"completed": {finish(Complete, func(string) {}), drayhorse.Completed},
			"discarded": {finish(Exhaust, remove), drayhorse.Discarded},
			"cancelled": {finish(Cancel, remove), drayhorse.Cancelled},
			"deleted":   {remove, drayhorse.Cancelled},
			"purged": {func(string) {
				_, err := r.part.Purge(r.ctx, drayhorse.Available)
				r.must(err)
			}, drayhorse.Cancelled},
		} {
			r.enqueue(r.newJob(ownID(id)))
			c.end(id)
			r.wantState(id, c.want)
			if info := r.info(id); info.Attempt != 0 || info.Kind != "" {
				r.t.Errorf("%s: %+v; want its state alone", id, info)
			}
		}
	})
}

func TestOwnIDIsForgottenAfterADay(t *testing.T) {
	conform(t, func(r *rig) {
		r.enqueue(r.newJob(ownID("a")))
		l := r.newLease()
		r.turn(l, 0, r.turn(l, 1).Claims[0].finish(Complete))
		expiry := time.UnixMilli(r.raw().scores[colSeen]["a"])
		if left := time.Until(expiry); left < 23*time.Hour || left > 25*time.Hour {
			r.t.Fatalf("seen for %v, want 24h", left)
		}
		r.must(r.client.ZAdd(r.ctx, r.part.key(colSeen), at("a", time.Now().Add(-time.Second))).Err())
		r.wantState("a", "")
		r.wantDuplicates(r.duplicates(r.newJob(ownID("a"))), false)
	})
}

func TestTicksAreEnqueuedOnceForEver(t *testing.T) {
	conform(t, func(r *rig) {
		tick := func(schedule string, minute int64) *NewJob {
			return r.newJob(func(j *NewJob) {
				j.Guarded, j.Envelope.Schedule, j.Envelope.Tick = true, schedule, time.UnixMilli(minute*60_000)
			})
		}
		r.wantDuplicates(r.duplicates(tick("a", 5), tick("a", 5), tick("b", 5)), false, true, false)
		r.wantDuplicates(r.duplicates(tick("a", 4), tick("a", 6), tick("b", 5)), true, false, true)
		l := r.newLease()
		got := r.turn(l, 10)
		var finishes []Finish
		for i := range got.Claims {
			finishes = append(finishes, got.Claims[i].finish(Complete))
		}
		r.turn(l, 0, finishes...)
		r.wantDuplicates(r.duplicates(tick("a", 6)), true)
		if s := r.summary(); s.Totals["enqueued"] != 3 {
			r.t.Errorf("totals = %v, want 3 enqueued", s.Totals)
		}
	})
}

func TestUnguardedTickIsEnqueued(t *testing.T) {
	conform(t, func(r *rig) {
		catchUp := func() *NewJob {
			return r.newJob(func(j *NewJob) { j.Envelope.Schedule, j.Envelope.Tick = "a", time.UnixMilli(60_000) })
		}
		r.wantDuplicates(r.duplicates(catchUp(), catchUp()), false, false)
		if info := r.info(r.raw().lists[colReady][0]); !info.Tick.Equal(time.UnixMilli(60_000)) {
			r.t.Errorf("tick = %v", info.Tick)
		}
	})
}

func TestDelayedJobsWait(t *testing.T) {
	conform(t, func(r *rig) {
		due := time.Now().Add(2 * time.Hour).Truncate(time.Millisecond)
		past := r.newJob(func(j *NewJob) { j.At = time.Now().Add(-time.Hour) })
		ancient := r.newJob(func(j *NewJob) { j.At = time.Date(1901, 1, 1, 0, 0, 0, 0, time.UTC) })
		before := r.summary().Now
		stored, err := r.writer.Enqueue(r.ctx, r.newJob(in(time.Hour)), r.newJob(func(j *NewJob) { j.At = due }), past, ancient)
		r.must(err)
		got := r.turn(r.newLease(), 10)
		r.claimed(got, past.ID, ancient.ID)
		if at := got.NextDue.Add(-time.Hour); at.Before(before) || at.After(stored[0].Now) { // a repeat answers later than the first
			r.t.Errorf("next due %v, want an hour from Redis's now, from %v to %v", got.NextDue, before, stored[0].Now)
		}
		scheduled := r.raw().scores[colScheduled]
		if len(scheduled) != 2 {
			r.t.Fatalf("scheduled = %v, want two", scheduled)
		}
		for _, score := range scheduled {
			if score != due.UnixMilli() && score != got.NextDue.UnixMilli() {
				r.t.Errorf("due at %d, want %d or %d", score, due.UnixMilli(), got.NextDue.UnixMilli())
			}
		}
	})
}

func TestEnqueueRingsWhereSomethingChanges(t *testing.T) {
	conform(t, func(r *rig) {
		ring := func(what string, want bool) {
			r.t.Helper()
			if got := r.takeBell(); got != want {
				r.t.Errorf("%s: the bell rang %v, want %v", what, got, want)
			}
		}
		r.enqueue(r.newJob())
		r.enqueue(r.newJob())
		if n := len(r.raw().lists[colBell]); n != 1 {
			r.t.Errorf("the bell has %d elements, want 1", n)
		}
		ring("jobs for now", true)
		r.enqueue(r.newJob(in(2 * time.Hour)))
		ring("the first delayed job", true)
		r.enqueue(r.newJob(in(3 * time.Hour)))
		ring("a later job", false)
		r.enqueue(r.newJob(in(time.Hour)))
		ring("an earlier job", true)
		r.duplicates(r.newJob(ownID("a")))
		r.takeBell()
		r.duplicates(r.newJob(ownID("a")))
		ring("a duplicate", false)
		r.must(r.part.Pause(r.ctx, Pause{}))
		r.enqueue(r.newJob(), r.newJob(in(time.Minute)))
		ring("paused", false)
	})
}

func TestBatchesOfAThousandAreOneCall(t *testing.T) {
	conform(t, func(r *rig) {
		var jobs []*NewJob
		for range maxBatchJobs {
			jobs = append(jobs, r.newJob())
		}
		ids := r.enqueue(jobs...)
		if r.writer.seq != 1 {
			r.t.Fatalf("%d calls, want 1", r.writer.seq)
		}
		got := r.turn(r.newLease(), 1000)
		r.claimed(got, ids[:MaxClaims]...)
		r.enqueue(append(jobs[:0:0], r.newJob(sized(700<<10)), r.newJob(sized(700<<10)), r.newJob(sized(2<<20)))...)
		if r.writer.seq != 4 {
			r.t.Fatalf("%d calls, want 3 more for what exceeds %d bytes together", r.writer.seq, maxBatchBytes)
		}
	})
}

func TestRepeatedEnqueueGetsItsAnswer(t *testing.T) {
	conform(t, func(r *rig) {
		call := func(seq uint64, jobs ...*NewJob) ([]Stored, error) {
			for _, j := range jobs {
				r.must(j.encode(r.part))
			}
			stored, _, err := r.part.enqueue(r.ctx, newWriterKeys(r.part, "producer"), seq, jobs, nil)
			return stored, failure("enqueue", err)
		}
		first := []*NewJob{r.newJob(), r.newJob(ownID("a")), r.newJob(ownID("a"))}
		for range 3 {
			stored, err := call(1, first...)
			r.must(err)
			r.wantDuplicates([]bool{stored[0].Duplicate, stored[1].Duplicate, stored[2].Duplicate}, false, false, true)
		}
		_, err := call(2, r.newJob())
		r.must(err)
		_, err = call(1, first...)
		r.wantError(err, errStale)
		if s := r.summary(); s.Totals["enqueued"] != 3 || s.Available != 3 {
			r.t.Errorf("summary = %+v, want 3 jobs", s)
		}
		ttl := r.client.PTTL(r.ctx, r.part.key(colAnswer)+":producer").Val()
		if ttl > answerTTL || ttl < answerTTL-time.Minute {
			r.t.Errorf("the answer is kept for %v, want %v", ttl, answerTTL)
		}
	})
}

func TestJobsSpreadOverPartitions(t *testing.T) {
	conform(t, func(r *rig) {
		seen := map[int]int{}
		for i := range 60 {
			p := PartitionOf(r.parts, "order-"+strconv.Itoa(i))
			seen[p.Index]++
		}
		if len(seen) != len(r.parts) {
			r.t.Fatalf("60 ids are in partitions %v, want all %d", seen, len(r.parts))
		}
		var turns []*Turn
		for _, p := range r.parts {
			id, err := NewID(p)
			r.must(err)
			if PartitionOf(r.parts, id) != p || PackID(UnpackID(id)) != id {
				r.t.Fatalf("%x was made for %v", id, p)
			}
			lane := NewWriter(p)
			j := r.newJob(func(j *NewJob) { j.ID = id })
			_, err = lane.Enqueue(r.ctx, j)
			r.must(err)
			lane.Close()
			turns = append(turns, &Turn{Lease: NewLease(p, "spread"), Want: 10})
		}
		for i, reply := range r.RunTurns(r.ctx, turns...) {
			r.must(reply.Err)
			if len(reply.Claims) != 1 || PartitionOf(r.parts, reply.Claims[0].ID) != r.parts[i] {
				r.t.Errorf("partition %d gave %+v", i, reply.Claims)
			}
		}
	})
}

func TestIDsOfAllSortsAreOpaque(t *testing.T) {
	conform(t, func(r *rig) {
		ids := []string{"a", strings.Repeat("x", drayhorse.MaxNameLength), "with:colons:7", "a@b.c", "0"}
		nasty := []byte{0, '\r', '\n', '/', '|', ':', '%', 0xff, 0x80, ',', '[', '(', '*', '\\', '"', '\''}
		ids = append(ids, string(nasty))
		for _, id := range ids {
			r.enqueue(r.newJob(func(j *NewJob) { j.ID = id; j.Envelope.Args = bytes.Clone(nasty) }))
		}
		l := r.newLease()
		got := r.turn(l, 100)
		r.claimed(got, ids...)
		var finishes []Finish
		for i := range got.Claims {
			finishes = append(finishes, got.Claims[i].finish(Divert, func(f *Finish) { f.Lane = "k" }))
		}
		r.turn(l, 0, finishes...)
		again := r.RunTurns(r.ctx, &Turn{Lease: l, Want: 100, Lanes: []string{"k"}})[0]
		r.must(again.Err)
		r.claimed(again.Turned, ids...)
	})
}
