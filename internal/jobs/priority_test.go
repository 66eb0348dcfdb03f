package jobs

import (
	"slices"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

func priority(p drayhorse.Priority) func(*NewJob) {
	return func(j *NewJob) { j.Envelope.Priority = p }
}

// enqueueRanks enqueues a job of each priority, the lowest first, and gives them the highest first.
func (r *rig) enqueueRanks(change ...func(*NewJob)) []string {
	r.t.Helper()
	var news []*NewJob
	for _, p := range slices.Backward(drayhorse.Priorities()) {
		news = append(news, r.newJob(append(change, priority(p))...))
	}
	ids := r.enqueue(news...)
	slices.Reverse(ids)
	return ids
}

func TestHigherPrioritiesStartFirst(t *testing.T) {
	conform(t, func(r *rig) {
		first, second := r.enqueueRanks(), r.enqueueRanks()
		var want []string
		for i := range first {
			want = append(want, first[i], second[i])
		}
		l := r.newLease()
		r.claimed(r.turn(l, 2), want[:2]...)
		got := r.turn(l, 5)
		r.claimed(got, want[2:7]...)
		if got.Left != 1 {
			r.t.Errorf("%d left, want 1", got.Left)
		}
		r.claimed(r.turn(l, 5), want[7])
	})
}

// TestLowerPrioritiesDoNotStarve: while each has jobs that wait, the second starts one of 8 claims,
// the third one of 64, the last one of 512, however many a turn claims.
func TestLowerPrioritiesDoNotStarve(t *testing.T) {
	conform(t, func(r *rig) {
		const each = 600
		of := map[string]drayhorse.Priority{}
		for _, p := range drayhorse.Priorities() {
			news := make([]*NewJob, each)
			for i := range news {
				news[i] = r.newJob(priority(p))
			}
			for _, id := range r.enqueue(news...) {
				of[id] = p
			}
		}
		l := r.newLease()
		started, since, longest := map[drayhorse.Priority]int{}, map[drayhorse.Priority]int{}, map[drayhorse.Priority]int{}
		var claims []Claim
		for n := 0; n < 512; {
			claims = r.turn(l, 1+n%37, complete(claims)...).Claims
			for _, c := range claims {
				if n++; n > 512 {
					break
				}
				for _, p := range drayhorse.Priorities() {
					since[p]++
				}
				p := of[c.ID]
				longest[p] = max(longest[p], since[p])
				since[p] = 0
				started[p]++
			}
		}
		want := map[drayhorse.Priority]int{drayhorse.Urgent: 448, drayhorse.High: 56, drayhorse.Normal: 7, drayhorse.Low: 1}
		for p, n := range want {
			if started[p] != n {
				r.t.Errorf("%v: %d of 512 claims, want %d", p, started[p], n)
			}
		}
		for p, most := range map[drayhorse.Priority]int{drayhorse.Urgent: 2, drayhorse.High: 16, drayhorse.Normal: 128, drayhorse.Low: 512} {
			if longest[p] > most {
				r.t.Errorf("%v: waited for %d claims, want at most %d", p, longest[p], most)
			}
		}
	})
}

// inAnHour is what has a job that ran wait for an hour.
func inAnHour(f *Finish) { f.Delay = time.Hour }

// waysBack bring a job that is next back into line, of each way that there is.
var waysBack = map[string]func(r *rig, id string){
	"run now": func(r *rig, id string) { r.finishNext(id, Fail, inAnHour); r.must(r.part.Retry(r.ctx, id)) },
	"due again": func(r *rig, id string) {
		r.finishNext(id, Fail, inAnHour)
		r.must(r.client.ZAdd(r.ctx, r.part.key(colScheduled), at(id, time.Now().Add(-time.Second))).Err())
	},
	"snoozed": func(r *rig, id string) {
		r.finishNext(id, Snooze, inAnHour)
		r.must(r.client.ZAdd(r.ctx, r.part.key(colScheduled), at(id, time.Now().Add(-time.Second))).Err())
	},
	"handed back": func(r *rig, id string) { r.finishNext(id, Release) },
	"retried":     func(r *rig, id string) { r.finishNext(id, Cancel); r.must(r.part.Retry(r.ctx, id)) },
	"rescued": func(r *rig, id string) {
		l := r.newLease()
		r.claimed(r.turn(l, 1), id)
		r.kill(l)
	},
	"alive again": func(r *rig, id string) {
		l := r.newLease()
		r.claimed(r.turn(l, 1), id)
		r.must(r.client.ZAdd(r.ctx, r.part.key(colLeases), at(l.Name, time.UnixMilli(0))).Err())
		_, err := r.Alive(r.ctx, l, id)
		r.must(err)
		r.kill(l)
	},
	"resynced": func(r *rig, id string) {
		r.must(r.client.Del(r.ctx, r.part.key(colParked), r.part.key(colRoute)).Err())
		if n, err := r.part.Resync(r.ctx); n != 1 || err != nil {
			r.t.Fatalf("%d jobs resynced, %v; want 1", n, err)
		}
	},
	"resumed": func(r *rig, _ string) {
		r.must(r.part.Pause(r.ctx, Pause{Kind: "test"}))
		r.claimed(r.turn(r.newLease(), 5))
		r.must(r.part.Resume(r.ctx, Pause{Kind: "test"}))
	},
}

// TestAPriorityIsKept on each way back into line.
func TestAPriorityIsKept(t *testing.T) {
	for name, back := range waysBack {
		t.Run(name, func(t *testing.T) {
			conform(t, func(r *rig) {
				for _, p := range []drayhorse.Priority{drayhorse.Urgent, drayhorse.Low} {
					id := r.enqueue(r.newJob(priority(p)))[0]
					back(r, id)
					normal := r.enqueue(r.newJob(), r.newJob())
					want := []string{id, normal[0], normal[1]}
					if p == drayhorse.Low {
						want = []string{normal[0], normal[1], id}
					}
					l := r.newLease()
					got := r.RunTurns(r.ctx, &Turn{Lease: l, Want: 3, Lanes: []string{"test"}})[0]
					r.must(got.Err)
					if len(got.Claims) < 3 { // those that were aside are not told of before the turn
						next := r.RunTurns(r.ctx, &Turn{Lease: l, Want: 3, Lanes: []string{"test"}})[0]
						r.must(next.Err)
						got.Claims = append(got.Claims, next.Claims...)
					}
					r.claimed(got.Turned, want...)
					r.turn(l, 0, complete(got.Claims)...)
				}
			})
		})
	}
}

// finishNext claims a job, which must be the next one, and ends that.
func (r *rig) finishNext(id string, outcome Outcome, change ...func(*Finish)) {
	r.t.Helper()
	l := r.newLease()
	got := r.turn(l, 1)
	r.claimed(got, id)
	r.turn(l, 0, got.Claims[0].finish(outcome, change...))
}

// TestTheLastOneBringsItsPriority: a job that gets the arguments of another gets its place in line.
func TestTheLastOneBringsItsPriority(t *testing.T) {
	conform(t, func(r *rig) {
		by := uniquely(drayhorse.UniqueBy{Conflict: drayhorse.KeepLast})
		other := r.enqueue(r.newJob())[0]
		id := r.wantNew(by)
		last := r.enqueue(r.newJob())[0]
		for _, p := range []drayhorse.Priority{drayhorse.Urgent, drayhorse.Low, drayhorse.Normal, drayhorse.High} {
			if _, stored := r.put(by, priority(p)); !stored.Duplicate {
				r.t.Fatalf("it is %+v, want a duplicate", stored)
			}
		}
		r.claimed(r.turn(r.newLease(), 5), id, other, last)
	})
}

func TestPrioritiesAreSeen(t *testing.T) {
	conform(t, func(r *rig) {
		ids := r.enqueueRanks()
		if got := r.info(ids[0]).Priority; got != drayhorse.Urgent {
			r.t.Errorf("its priority is %v, want urgent", got)
		}
		if r.info(ids[0]).Parked {
			r.t.Error("it is parked, want it in line")
		}
		if listed := r.pages(drayhorse.Available, 2); !slices.Equal(listed, ids) {
			r.t.Errorf("listed %x, want %x", listed, ids)
		}
		if s := r.summary(); s.Available != 4 || s.Parked != 0 || s.Ranks[drayhorse.Low] != 1 || s.Ranks[drayhorse.High] != 1 || s.Ranks[drayhorse.Urgent] != 1 {
			r.t.Errorf("summary %+v; want 4 available, one of each priority", s)
		}
		behind := r.enqueue(r.newJob(priority(drayhorse.High)))[0]
		hold, err := r.part.Explain(r.ctx, behind)
		r.must(err)
		if hold.Above != 1 || hold.Ahead != 1 || hold.Line != 2 || hold.Parked {
			r.t.Errorf("%+v; want one above, and one of two ahead", hold)
		}
		hold, err = r.part.Explain(r.ctx, ids[3])
		r.must(err)
		if hold.Above != 4 || hold.Ahead != 0 || hold.Line != 1 {
			r.t.Errorf("%+v; want four above, and none ahead", hold)
		}
	})
}

// TestABacklogAsideHoldsUpNothingUrgent: jobs of a kind that was paused and goes on.
func TestABacklogAsideHoldsUpNothingUrgent(t *testing.T) {
	conform(t, func(r *rig) {
		var backlog []*NewJob
		for range 50 {
			backlog = append(backlog, r.newJob(kind("export"), priority(drayhorse.Low)))
		}
		low := r.enqueue(backlog...)
		r.must(r.part.Pause(r.ctx, Pause{Kind: "export"}))
		r.claimed(r.turn(r.newLease(), 5))
		r.must(r.part.Resume(r.ctx, Pause{Kind: "export"}))
		normal := r.enqueue(r.newJob(kind("other")))[0]
		urgent := r.enqueue(r.newJob(kind("other"), priority(drayhorse.Urgent)))[0]
		same := r.enqueue(r.newJob(kind("export"), priority(drayhorse.Urgent)))[0]
		l := r.newLease()
		for _, want := range [][]string{{urgent, same, normal}, {low[0], low[1], low[2]}} {
			reply := r.RunTurns(r.ctx, &Turn{Lease: l, Want: 3, Lanes: []string{"export"}})[0]
			r.must(reply.Err)
			r.claimed(reply.Turned, want...)
		}
	})
}

// TestAnUrgentJobPassesThoseAside: a kind has room for one more job, and a backlog of low priority
// that is aside. An urgent one that comes gets the room; one of the same priority waits its turn.
func TestAnUrgentJobPassesThoseAside(t *testing.T) {
	t.Parallel()
	r := newRig(t, sharedURL(t), 1)
	export := func(p drayhorse.Priority) string {
		return r.enqueue(r.newJob(kind("export"), priority(p)))[0]
	}
	_, err := r.SetLimit(r.ctx, &drayhorse.Limit{Name: "one", Queue: r.part.Queue, Kind: "export", Concurrency: 1}, true, "", "")
	r.must(err)
	low := []string{export(drayhorse.Low), export(drayhorse.Low), export(drayhorse.Low)}
	l := r.newLease()
	first := r.turn(l, 5)
	r.claimed(first, low[0])
	urgent, last := export(drayhorse.Urgent), export(drayhorse.Low)
	next := func(before *Turned, want ...string) *Turned {
		t.Helper()
		turn := &Turn{Lease: l, Want: 5, Lanes: []string{"export"}, Finishes: complete(before.Claims)}
		reply := r.RunTurns(r.ctx, turn)[0]
		r.must(reply.Err)
		r.claimed(reply.Turned, want...)
		return reply.Turned
	}
	second := next(first, urgent)
	next(next(next(second, low[1]), low[2]), last)
}

// TestACountThatIsWrongMends: programs that know no priorities cancel jobs and count nothing. What
// is not there must not keep workers busy.
func TestACountThatIsWrongMends(t *testing.T) {
	conform(t, func(r *rig) {
		l := r.newLease()
		r.enqueueRanks()
		r.turn(l, 4)
		r.must(r.client.HSet(r.ctx, r.part.key(colMeta), "ranked", 7).Err())
		if got := r.turn(l, 1); got.Left != 0 {
			r.t.Errorf("%d left, want none", got.Left)
		}
	})
}
