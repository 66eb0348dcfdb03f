package jobs

import (
	"fmt"
	"math/bits"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
)

// crashes works on all jobs as workers do of which each is one process: plain jobs as many
// as there are, and one trial at a time. A worker that holds one of the poison jobs dies
// before any of its handlers returns. It gives how many died.
func (r *rig) crashes(n int, poison ...string) (deaths int) {
	r.t.Helper()
	kills := func(claims []Claim) bool {
		for _, c := range claims {
			for _, id := range poison {
				if c.ID == id {
					return true
				}
			}
		}
		return false
	}
	for {
		plain, trial := r.newLease(), r.newLease()
		replies := r.RunTurns(r.ctx, &Turn{Lease: plain, Want: n}, &Turn{Lease: trial, Want: n, Trial: true})
		r.must(replies[0].Err)
		r.must(replies[1].Err)
		claims, tried := replies[0].Claims, replies[1].Claims
		if len(claims) > 0 && claims[0].Suspect() {
			r.t.Fatal("a suspect was claimed without a trial")
		}
		if len(claims)+len(tried) == 0 {
			return deaths
		}
		if kills(claims) || kills(tried) {
			deaths++
			for _, l := range []*Lease{plain, trial} {
				if l.Joined() {
					r.kill(l)
				}
			}
			continue
		}
		r.turn(plain, 0, complete(claims)...)
		r.turn(trial, 0, complete(tried)...)
		r.must(r.Leave(r.ctx, plain, trial))
	}
}

func TestBlameConvictsOnlyTheGuilty(t *testing.T) {
	conform(t, func(r *rig) {
		for _, n := range []int{1, 2, 3, 7, 100} {
			for _, at := range []int{0, n / 2, n - 1} {
				if fault := r.misjudged(n, at); fault != "" {
					r.t.Errorf("job %d of %d kills its workers: %s", at, n, fault)
				}
			}
		}
	})
}

// misjudged says what was wrong with the end of n jobs of which one kills its workers;
// "" if it was convicted in time, and no other.
func (r *rig) misjudged(n, at int) string {
	r.t.Helper()
	var jobs []*NewJob
	for range n {
		jobs = append(jobs, r.newJob())
	}
	ids := r.enqueue(jobs...)
	before := r.summary().Totals
	deaths := r.crashes(n, ids[at])
	most := max(2+bits.Len(uint(n))+1, 5) // two make suspects, then half each time, and alone
	if n == 1 {
		most = 3
	}
	after := r.summary().Totals
	discarded, completed := after["discarded"]-before["discarded"], after["completed"]-before["completed"]
	guilty := r.info(ids[at])
	switch {
	case deaths < 3 || deaths > most || deaths > 12:
		return fmt.Sprintf("%d workers died, want 3 to %d", deaths, most)
	case guilty.State != drayhorse.Discarded || discarded != 1 || completed != int64(n-1):
		return fmt.Sprintf("it is %s, %d were discarded and %d completed", guilty.State, discarded, completed)
	case !strings.HasPrefix(guilty.Errors[0].Message, fmt.Sprintf("poisoned: %d workers died", deaths)):
		return fmt.Sprintf("%d workers died, the reason is %q", deaths, guilty.Errors[0].Message)
	}
	return ""
}

func TestSeveralPoisonJobsAreConvicted(t *testing.T) {
	conform(t, func(r *rig) {
		var jobs []*NewJob
		for range 20 {
			jobs = append(jobs, r.newJob())
		}
		ids := r.enqueue(jobs...)
		deaths := r.crashes(20, ids[3], ids[4], ids[17])
		if s := r.summary(); s.Totals["discarded"] != 3 || s.Totals["completed"] != 17 || deaths > 24 {
			r.t.Fatalf("%d deaths, summary = %+v; want the three discarded alone", deaths, s)
		}
	})
}

func TestTrialIsHalfAndApart(t *testing.T) {
	conform(t, func(r *rig) {
		r.enqueue(r.newJob(), r.newJob(), r.newJob(), r.newJob(), r.newJob())
		for range suspectRescues {
			l := r.newLease()
			r.turn(l, 5)
			r.kill(l)
		}
		plain := r.enqueue(r.newJob())
		l := r.newLease()
		r.claimed(r.turnTrial(l, 0))
		got := r.turnTrial(l, 10)
		if len(got.Claims) != 3 || got.Suspects != 2 || !got.Claims[0].Suspect() {
			r.t.Fatalf("turned = %+v, want three of five suspects, and no other job", got)
		}
		r.claimed(r.turnTrial(l, 10)) // a lease is for one trial
		one := r.turnTrial(r.newLease(), 1)
		if len(one.Claims) != 1 || one.Suspects != 1 {
			r.t.Fatalf("turned = %+v, want one of the other two", one)
		}
		r.kill(l)
		next := r.turnTrial(r.newLease(), 10)
		if len(next.Claims) != 1 || next.Suspects != 3 {
			r.t.Fatalf("turned = %+v, want the one that was in no trial: most of those are innocent", next)
		}
		if half := r.turnTrial(r.newLease(), 10); len(half.Claims) != 2 {
			r.t.Fatalf("turned = %+v, want two of the three with which a worker died", half)
		}
		reply := r.RunTurns(r.ctx, &Turn{Lease: r.newLease(), Want: 10})[0]
		r.must(reply.Err)
		r.claimed(reply.Turned, plain...)
	})
}

func (r *rig) turnTrial(l *Lease, want int) *Turned {
	r.t.Helper()
	reply := r.RunTurns(r.ctx, &Turn{Lease: l, Want: want, Trial: true})[0]
	r.must(reply.Err)
	return reply.Turned
}

// TestReturnedHandlersOutweighDeaths: a job that snoozes for days meets many a kill.
func TestReturnedHandlersOutweighDeaths(t *testing.T) {
	conform(t, func(r *rig) {
		id := r.enqueue(r.newJob())[0]
		for range 10 {
			l := r.newLease()
			r.turn(l, 1)
			r.kill(l)
			l = r.newLease()
			r.turn(l, 0, r.turn(l, 1).Claims[0].finish(Snooze))
		}
		r.claimed(r.turn(r.newLease(), 1), id)
		if s := r.summary(); s.Totals["discarded"] != 0 || s.Totals["rescued"] != 10 {
			r.t.Fatalf("summary = %+v", s)
		}
	})
}

// TestWorkerThatComesBackClearsWhatItHeld: nobody died.
func TestWorkerThatComesBackClearsWhatItHeld(t *testing.T) {
	conform(t, func(r *rig) {
		id := r.enqueue(r.newJob())[0]
		alive := func(l *Lease, want int) {
			r.t.Helper()
			if n, err := r.Alive(r.ctx, l, id, "gone"); err != nil || n != want {
				r.t.Fatalf("alive cleared %d, %v; want %d", n, err, want)
			}
		}
		for i := range 10 {
			l := r.newLease()
			r.turn(l, 1)
			r.kill(l)
			if i%2 == 0 { // in line again, or running elsewhere
				alive(l, 1)
			} else {
				other := r.newLease()
				c := r.turn(other, 1).Claims[0]
				alive(l, 1)
				r.turn(other, 0, c.finish(Release))
			}
			alive(l, 0)
		}
		l := r.newLease()
		r.turn(l, 1)
		_, err := r.Alive(r.ctx, l, id)
		r.wantError(err, errAlive)
		r.must(r.client.ZAdd(r.ctx, r.part.key(colLeases), goredis.Z{Member: l.Name}).Err())
		r.wantState(id, drayhorse.Running)
		alive(l, 1) // condemned, and not taken back yet
		got := r.turn(r.newLease(), 1)
		r.claimed(got, id)
		if got.Claims[0].Suspect() {
			r.t.Error("it is a suspect, and nobody died")
		}
	})
}

func TestOldDeathsDoNotCount(t *testing.T) {
	conform(t, func(r *rig) {
		id := r.enqueue(r.newJob())[0]
		counts := r.part.key(colCounts)
		for range 5 {
			l := r.newLease()
			r.turn(l, 1)
			r.kill(l)
			noted, times := cutLast(r.raw().hashes[colCounts][id], "|")
			for range strings.Split(times, ";")[1:] {
				r.t.Fatalf("times = %q, want the last death alone", times)
			}
			old := time.Now().Add(-73 * time.Hour).UnixMilli()
			r.must(r.client.HSet(r.ctx, counts, id, fmt.Sprintf("%s|%d", noted, old)).Err())
		}
		r.wantState(id, drayhorse.Available)
	})
}

// TestSuspectInALaneHoldsUpNobody: it goes to the other suspects, to be tried.
func TestSuspectInALaneHoldsUpNobody(t *testing.T) {
	conform(t, func(r *rig) {
		park := func(claims []Claim, l *Lease) {
			r.turn(l, 0, claims[0].finish(Divert, func(f *Finish) { f.Lane = "k" }))
		}
		id := r.enqueue(r.newJob(kind("k")))[0]
		r.suspect(id)
		l := r.newLease()
		park(r.turnTrial(l, 1).Claims, l)
		plain := r.enqueue(r.newJob(kind("k")))[0]
		l = r.newLease()
		park(r.turn(l, 1).Claims, l)
		reply := r.RunTurns(r.ctx, &Turn{Lease: l, Want: 10, Lanes: []string{"k"}})[0]
		r.must(reply.Err)
		r.claimed(reply.Turned, plain)
		r.claimed(r.turnTrial(r.newLease(), 10), id)
	})
}
