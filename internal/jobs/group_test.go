package jobs

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

func ofGroup(name string) func(*NewJob) { return func(j *NewJob) { j.Envelope.Group = name } }

// enqueueGroup enqueues n jobs of a group, some at a time.
func (r *rig) enqueueGroup(name string, n int, change ...func(*NewJob)) []string {
	r.t.Helper()
	ids := make([]string, 0, n)
	for len(ids) < n {
		news := make([]*NewJob, min(1000, n-len(ids)))
		for i := range news {
			news[i] = r.newJob(append(change, ofGroup(name))...)
		}
		ids = append(ids, r.enqueue(news...)...)
	}
	return ids
}

// turns compares what groups get: for each pair, by how many starts the first one is ahead since both
// have had jobs.
type turns struct {
	left  map[string]int
	ahead map[[2]string]int
	worst int
}

func (x *turns) join(name string, n int) {
	if x.left[name] == 0 {
		for other := range x.left {
			delete(x.ahead, [2]string{name, other})
			delete(x.ahead, [2]string{other, name})
		}
	}
	x.left[name] += n
}

func (x *turns) start(name string) {
	for other, n := range x.left {
		if other != name && n > 0 {
			x.ahead[[2]string{name, other}]++
			x.ahead[[2]string{other, name}]--
			x.worst = max(x.worst, x.ahead[[2]string{name, other}], x.ahead[[2]string{other, name}])
		}
	}
	x.left[name]--
}

// TestGroupsTakeTurns: groups of very different sizes, newcomers among them, and jobs of no group get
// the same share while they have jobs, in turns of many sizes by several workers; each in its order.
func TestGroupsTakeTurns(t *testing.T) {
	conform(t, func(r *rig) {
		of, next, all := map[string]string{}, map[string][]string{}, 0
		x := &turns{left: map[string]int{}, ahead: map[[2]string]int{}}
		join := func(name string, n int) {
			ids := r.enqueueGroup(name, n)
			for _, id := range ids {
				of[id] = name
			}
			next[name] = append(next[name], ids...)
			x.join(name, n)
			all += n
		}
		for i := range 10 {
			join(fmt.Sprintf("g%d", i), 3+i*i*4)
		}
		join("", 200)
		newcomers := map[int]string{100: "new1", 250: "new2", 400: "g0", 401: "new3", 700: "g1", 800: ""}
		leases := []*Lease{r.newLease(), r.newLease(), r.newLease()}
		claims := make([][]Claim, len(leases))
		for started, n := 0, 0; started < all; n++ {
			w := n % len(leases)
			claims[w] = r.turn(leases[w], 1+n*7%23, complete(claims[w])...).Claims
			if len(claims[w]) == 0 {
				r.t.Fatalf("%d of %d have started, and none more does", started, all)
			}
			for _, c := range claims[w] {
				name := of[c.ID]
				if next[name][0] != c.ID {
					r.t.Fatalf("a job of group %q starts before another that came first", name)
				}
				next[name] = next[name][1:]
				x.start(name)
				started++
			}
			for at, name := range newcomers { // between two turns, as they are
				if started >= at {
					join(name, 30)
					delete(newcomers, at)
				}
			}
		}
		if len(newcomers) > 0 || x.worst > 1 {
			r.t.Errorf("%d newcomers did not come; one of two groups was ahead by %d starts, want 1 at most", len(newcomers), x.worst)
		}
		for i, l := range leases {
			r.turn(l, 0, complete(claims[i])...)
		}
	})
}

// TestAFewDoNotWaitBehindMany: three jobs of one group, and three of none, behind 100,000 of another,
// start within a round for each; so do those of a kind of which the backlog is aside.
func TestAFewDoNotWaitBehindMany(t *testing.T) {
	t.Parallel()
	r := newRig(t, sharedURL(t), 1)
	r.enqueueGroup("many", 100_000)
	l := r.newLease()
	claims := r.turn(l, 100).Claims
	few, none := r.enqueueGroup("few", 3), r.enqueueGroup("", 3)
	got := r.turn(l, 9, complete(claims)...)
	started := map[string]bool{}
	for _, c := range got.Claims {
		started[c.ID] = true
	}
	for _, id := range slices.Concat(few, none) {
		if !started[id] {
			t.Errorf("of 9 jobs that start, 3 a group, %x is none", id)
		}
	}
	// The backlog has gone aside, as a kind that is paused; and goes on.
	r.must(r.part.Pause(r.ctx, Pause{Kind: "test"}))
	claims = got.Claims
	for range 3 {
		claims = r.turn(l, 100, complete(claims)...).Claims
	}
	few = r.enqueueGroup("few", 2)
	r.must(r.part.Resume(r.ctx, Pause{Kind: "test"}))
	claims = nil
	for range 3 {
		reply := r.RunTurns(r.ctx, &Turn{Lease: l, Want: 4, Lanes: []string{"test"}, Finishes: complete(claims)})[0]
		r.must(reply.Err)
		claims = append(claims, reply.Claims...)
	}
	if n := len(slices.DeleteFunc(claims, func(c Claim) bool { return !slices.Contains(few, c.ID) })); n != 2 {
		t.Errorf("%d of 2 jobs start beside a backlog of their kind that is aside", n)
	}
	r.damaged = true // 100,000 jobs are many to look at
}

// TestGroupsOfALimitedKindTakeTurns: what a kind has room for goes round, also where a backlog is aside.
func TestGroupsOfALimitedKindTakeTurns(t *testing.T) {
	t.Parallel()
	r := newRig(t, sharedURL(t), 1)
	_, err := r.SetLimit(r.ctx, &drayhorse.Limit{Name: "one", Queue: r.part.Queue, Kind: "test", Concurrency: 1}, true, "", "")
	r.must(err)
	many := r.enqueueGroup("many", 50)
	l := r.newLease()
	var claims []Claim
	next := func() string {
		t.Helper()
		reply := r.RunTurns(r.ctx, &Turn{Lease: l, Want: 5, Lanes: []string{"test"}, Finishes: complete(claims)})[0]
		r.must(reply.Err)
		if claims = reply.Claims; len(claims) != 1 {
			t.Fatalf("%d start, want 1", len(claims))
		}
		return claims[0].ID
	}
	if id := next(); id != many[0] {
		t.Fatalf("%x starts, want the first", id)
	}
	few := r.enqueueGroup("few", 2)
	other := r.enqueue(r.newJob(kind("other"), ofGroup("many")))[0]
	r.claimed(r.turn(r.newLease(), 5), other) // it passes those of its group that wait for their kind
	var got []string
	for range 5 {
		got = append(got, next())
	}
	if want := []string{many[1], few[0], many[2], few[1], many[3]}; !slices.Equal(got, want) {
		t.Errorf("started in the order %x, want %x", got, want)
	}
	r.checkSound()
}

// TestAPriorityComesBeforeAGroup.
func TestAPriorityComesBeforeAGroup(t *testing.T) {
	conform(t, func(r *rig) {
		a := r.enqueueGroup("a", 2)
		b := r.enqueueGroup("b", 1)
		high := r.enqueueGroup("b", 2, priority(drayhorse.High))
		urgent := r.enqueueGroup("a", 1, priority(drayhorse.Urgent))
		low := r.enqueueGroup("c", 1, priority(drayhorse.Low))
		r.claimed(r.turn(r.newLease(), 9), urgent[0], high[0], high[1], a[0], b[0], a[1], low[0])
	})
}

// TestAGroupIsKept on each way back into line: what comes back is the next of its group, or the last
// one, and never one of none.
func TestAGroupIsKept(t *testing.T) {
	for name, back := range waysBack {
		t.Run(name, func(t *testing.T) {
			conform(t, func(r *rig) {
				id := r.enqueueGroup("g", 1)[0]
				back(r, id)
				next := r.enqueueGroup("g", 2)
				r.enqueue(r.newJob(), r.newJob())
				want := []string{id, next[0], next[1]}
				if name == "due again" || name == "snoozed" { // it comes into line with the claim
					want = []string{next[0], next[1], id}
				}
				got := r.claimAll(5)
				if its := slices.DeleteFunc(got, func(id string) bool { return r.info(id).Group != "g" }); !slices.Equal(its, want) {
					r.t.Errorf("of the group %x start, want %x", its, want)
				}
			})
		})
	}
}

// claimAll claims n jobs of the kind test, also those that are aside.
func (r *rig) claimAll(n int) (ids []string) {
	r.t.Helper()
	l := r.newLease()
	for range n {
		reply := r.RunTurns(r.ctx, &Turn{Lease: l, Want: n - len(ids), Lanes: []string{"test"}})[0]
		r.must(reply.Err)
		for _, c := range reply.Claims {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

func TestGroupsAreSeen(t *testing.T) {
	conform(t, func(r *rig) {
		a, b := r.enqueueGroup("a", 3), r.enqueueGroup("b", 1)
		none := r.enqueue(r.newJob())[0]
		urgent := r.enqueueGroup("a", 1, priority(drayhorse.Urgent))[0]
		if info := r.info(a[0]); info.Group != "a" || info.Parked {
			r.t.Errorf("%+v; want it in line, of group a", info)
		}
		if listed := r.pages(drayhorse.Available, 2); !slices.Equal(listed, slices.Concat([]string{urgent}, a, b, []string{none})) {
			r.t.Errorf("listed %x", listed)
		}
		if s := r.summary(); s.Available != 6 || s.Parked != 0 || s.Grouped != 5 || s.Groups != 3 || s.Oldest.IsZero() {
			r.t.Errorf("summary %+v; want 6 available, 5 of them of groups: a twice, and b", s)
		}
		hold, err := r.part.Explain(r.ctx, a[2])
		r.must(err)
		if hold.Ahead != 2 || hold.Line != 3 || hold.Turns != 1 || hold.Above != 0 || hold.GroupsAbove != 1 || hold.Parked {
			r.t.Errorf("%+v; want it behind two of three, beside one other group, and one above", hold)
		}
		hold, err = r.part.Explain(r.ctx, none)
		r.must(err)
		if hold.Ahead != 0 || hold.Line != 1 || hold.Turns != 2 || hold.GroupsAbove != 1 {
			r.t.Errorf("%+v; want it the only one of no group, beside two", hold)
		}
	})
}

// TestAnIdleGroupLeavesNothing, whichever way its jobs leave the queue.
func TestAnIdleGroupLeavesNothing(t *testing.T) {
	conform(t, func(r *rig) {
		const groups = 300
		var ids []string
		news := make([]*NewJob, 0, 2*groups)
		for i := range groups {
			news = append(news, r.newJob(ofGroup(fmt.Sprintf("g%d", i))), r.newJob(ofGroup(fmt.Sprintf("g%d", i)), priority(drayhorse.Low), kind("other")))
		}
		r.must(r.part.Pause(r.ctx, Pause{Kind: "other"}))
		ids = r.enqueue(news...)
		ids = append(ids, r.enqueue(r.newJob(), r.newJob(kind("other")), r.newJob(priority(drayhorse.High)))...)
		l := r.newLease()
		claims := r.turn(l, 200).Claims
		r.turn(l, 0, complete(claims)...)
		for i, id := range ids {
			switch i % 3 {
			case 0:
				r.must(notUnknown(r.part.Cancel(r.ctx, id)))
			case 1:
				r.must(notUnknown(r.part.Delete(r.ctx, id)))
			}
		}
		_, err := r.part.Purge(r.ctx, drayhorse.Available)
		r.must(err)
		r.must(r.Leave(r.ctx, l))
		for _, c := range []column{colRoute, colParked, colLanes} {
			if n := r.client.Exists(r.ctx, r.part.key(c)).Val(); n != 0 {
				r.t.Errorf("%s is left, with %v", columns[c], readRaw(r.ctx, r.t, r.part).seats)
			}
		}
	})
}

// notUnknown is an error but for that of a job that is not there.
func notUnknown(err error) error {
	if errors.Is(err, drayhorse.ErrNotFound) {
		return nil
	}
	return err
}

// TestASeatOfNobodyMends: programs that know no groups cancel jobs and leave the seat of their group.
func TestASeatOfNobodyMends(t *testing.T) {
	conform(t, func(r *rig) {
		id := r.enqueueGroup("g", 1)[0]
		none := r.enqueue(r.newJob())
		slot := r.client.HGet(r.ctx, r.part.key(colRoute), id).Val() + "/" + id
		r.must(r.client.HDel(r.ctx, r.part.key(colRoute), id).Err())
		r.must(r.client.ZRem(r.ctx, r.part.key(colParked), slot).Err())
		r.must(r.client.HDel(r.ctx, r.part.key(colJobs), id).Err())
		got := r.turn(r.newLease(), 5)
		r.claimed(got, none...)
		if got.Left != 0 {
			r.t.Errorf("%d left, want none", got.Left)
		}
	})
}

// TestAGroupDecidesThePartition, so that its share is one; an ID would, too.
func TestAGroupDecidesThePartition(t *testing.T) {
	t.Parallel()
	r := newRig(t, sharedURL(t), 3)
	met := map[int]bool{}
	for i := range 50 {
		name := fmt.Sprintf("tenant-%d", i)
		first, err := PlaceOf(r.parts, &NewJob{Envelope: &Envelope{Group: name}})
		r.must(err)
		unique := &NewJob{Envelope: &Envelope{Group: name, Kind: "k", Args: []byte("{}")}}
		r.must(unique.SetUnique(&drayhorse.UniqueBy{}))
		if second, err := PlaceOf(r.parts, unique); second != first || err != nil {
			t.Errorf("%s is in %v and %v, %v", name, first, second, err)
		}
		id, err := NewID(first)
		r.must(err)
		if PartitionOf(r.parts, id) != first {
			t.Errorf("the ID of a job of %s says another partition", name)
		}
		met[first.Index] = true
	}
	if len(met) != 3 {
		t.Errorf("50 groups are in %d of 3 partitions", len(met))
	}
	own := r.newJob(ownID("a"), ofGroup("g"))
	_, err := PlaceOf(r.parts, own)
	if !errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(err.Error(), `ID("a") with Group("g") on queue q of 3 partitions`) || !strings.Contains(err.Error(), "want Unique with Key, or a queue of one partition") {
		t.Errorf("error %v; want what is wrong, and what would be right", err)
	}
	if part, err := PlaceOf(r.parts[:1], own); part != r.parts[0] || err != nil {
		t.Errorf("%v, %v; want the only partition", part, err)
	}
}

// TestAUniqueJobIsSoInItsGroup.
func TestAUniqueJobIsSoInItsGroup(t *testing.T) {
	conform(t, func(r *rig) {
		by := uniquely(drayhorse.UniqueBy{})
		put := func(name string) bool {
			_, stored := r.put(ofGroup(name), by)
			return stored.Duplicate
		}
		if put("a") || put("b") || put("") || !put("a") || !put("") {
			r.t.Error("want the first of each group, and of none, and no second one")
		}
	})
}

// TestGroupsWithLongNames: 128 bytes, beside all else that comes before in an envelope.
func TestGroupsWithLongNames(t *testing.T) {
	conform(t, func(r *rig) {
		long, short := strings.Repeat("x", drayhorse.MaxNameLength), strings.Repeat("x", drayhorse.MaxNameLength-1)
		by := func(j *NewJob) {
			r.must(j.SetUnique(&drayhorse.UniqueBy{Fresh: time.Hour}))
			j.Envelope.Link, j.Envelope.Schedule, j.Envelope.Tags = "batch.1", "s", []string{"t"}
		}
		want := append(r.enqueueGroup(long, 1, by), r.enqueueGroup(short, 1, func(j *NewJob) { j.Envelope.Args = []byte("2") }, by)...)
		for i, name := range []string{long, short} {
			if info := r.info(want[i]); info.Group != name {
				r.t.Errorf("group %q, want %q", info.Group, name)
			}
		}
		r.checkSound()
		r.claimed(r.turn(r.newLease(), 2), want...)
	})
}

// TestAPausedGroupHoldsUpNobody, nor itself when it goes on: its jobs keep their order, and those of
// others, and of another kind where that alone is paused in it, pass them.
func TestAPausedGroupHoldsUpNobody(t *testing.T) {
	conform(t, func(r *rig) {
		pause := Pause{Group: "g", By: "ann", Why: "they asked for it"}
		first := r.enqueueGroup("g", 3)
		running := r.newLease()
		held := r.turn(running, 1)
		r.claimed(held, first[0])
		r.must(r.part.Pause(r.ctx, pause))
		other, none := r.enqueueGroup("h", 2), r.enqueue(r.newJob())
		r.claimed(r.turn(r.newLease(), 9), other[0], none[0], other[1])
		last := r.enqueueGroup("g", 1)
		if got := r.turn(r.newLease(), 9); len(got.Claims) != 0 || got.Left != 0 || len(got.Lanes) != 0 {
			r.t.Errorf("%+v; want nothing to claim, and nobody told of any", got)
		}
		r.turn(running, 0, held.Claims[0].finish(Release)) // it goes in front of those aside
		if s := r.summary(); s.Held != 4 || s.Parked != 0 || len(s.Pauses) != 1 || s.Pauses[0].Group != "g" || s.Pauses[0].Kind != "" || s.Pauses[0].Held != 4 || s.Pauses[0].Why != pause.Why {
			r.t.Errorf("%+v; want 4 held by the pause of the group", s)
		}
		if info := r.info(last[0]); info.Parked {
			r.t.Error("it is parked, want it held by a pause")
		}
		hold, err := r.part.Explain(r.ctx, last[0])
		r.must(err)
		if !hold.GroupPaused || hold.BothPaused || hold.KindPaused || hold.Parked {
			r.t.Errorf("%+v; want its group paused", hold)
		}
		r.must(r.part.Resume(r.ctx, pause))
		got := r.RunTurns(r.ctx, &Turn{Lease: r.newLease(), Want: 9, Lanes: []string{"=g"}})[0]
		r.must(got.Err)
		r.claimed(got.Turned, first[0], first[1], first[2], last[0])

		// Of one kind in it.
		r.must(r.part.Pause(r.ctx, Pause{Kind: "test", Group: "g"}))
		g, b, h := r.enqueueGroup("g", 1), r.enqueueGroup("g", 1, kind("b")), r.enqueueGroup("h", 1)
		r.claimed(r.turn(r.newLease(), 9), h[0], b[0])
		r.must(r.part.Resume(r.ctx, Pause{Kind: "test", Group: "g"}))
		got = r.RunTurns(r.ctx, &Turn{Lease: r.newLease(), Want: 9, Lanes: []string{"test=g"}})[0]
		r.must(got.Err)
		r.claimed(got.Turned, g[0])
	})
}

// TestTheLastJobTakesTheSeat, also where its kind has no more room when the claim is at its end.
func TestTheLastJobTakesTheSeat(t *testing.T) {
	t.Parallel()
	r := newRig(t, sharedURL(t), 1)
	r.must(r.part.Pause(r.ctx, Pause{Kind: "test"}))
	g, h := r.enqueueGroup("g", 1), r.enqueueGroup("h", 2)
	r.claimed(r.turn(r.newLease(), 5))
	_, err := r.SetLimit(r.ctx, &drayhorse.Limit{Name: "two", Queue: r.part.Queue, Kind: "test", Concurrency: 2}, true, "", "")
	r.must(err)
	r.must(r.part.Resume(r.ctx, Pause{Kind: "test"}))
	got := r.RunTurns(r.ctx, &Turn{Lease: r.newLease(), Want: 5, Lanes: []string{"test"}})[0]
	r.must(got.Err)
	r.claimed(got.Turned, g[0], h[0])
	r.checkSound()
}
