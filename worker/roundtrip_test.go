package worker

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/internal/jobs"
)

// TestTwoCallsAreOnTheWire where one turn brings too few jobs: a second one is made on
// another lease of the source, if it is not small, and no third one.
func TestTwoCallsAreOnTheWire(t *testing.T) {
	t.Parallel()
	const most = jobs.MaxClaims
	for _, test := range []struct{ slots, first, second int }{
		{10, 10, 0},
		{most, most, 0},
		{most + worthATurn - 1, most, 0}, // the next turn brings the rest
		{most + worthATurn, most, worthATurn},
		{5 * most, most, most},
	} {
		s, f := offline(t, test.slots, 1)
		s.supply.all()[0].markClaimable()
		var made []*lease
		wants := func() (n int) {
			for _, l := range f.plan(time.Now()) {
				n += l.turn.Want
				made = append(made, l)
			}
			return n
		}
		if n := wants(); n != test.first {
			t.Errorf("with %d slots the first call wants %d jobs, want %d", test.slots, n, test.first)
		}
		if worth := f.isWorthACall(time.Now()); worth != (test.second > 0) {
			t.Errorf("with %d slots it is %t that a second call is worth it", test.slots, worth)
		} else if worth {
			if n := wants(); n != test.second || len(made) != 2 || made[0] == made[1] {
				t.Errorf("with %d slots %d leases want %d more, want one other that wants %d", test.slots, len(made)-1, n, test.second)
			}
			if n := wants(); n != 0 {
				t.Errorf("with %d slots a third call wants %d jobs on leases that wait for an answer", test.slots, n)
			}
		}
		for _, l := range made {
			f.settle(l, jobs.TurnReply{Turned: &jobs.Turned{}})
		}
		if free := s.capacity.freeSlots(); free != test.slots {
			t.Errorf("%d of %d slots are free after turns that claimed nothing", free, test.slots)
		}
		if idle := f.idleLeases(time.Now().Add(time.Hour), 0); len(idle) != len(made) {
			t.Errorf("of %d leases %d are parted with", len(made), len(idle))
		}
	}
}

// TestNoSecondLeaseBesideATurnWithoutAnAnswer: nobody knows what that has claimed.
func TestNoSecondLeaseBesideATurnWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	s, f := offline(t, 5*jobs.MaxClaims, 1)
	src := s.supply.all()[0]
	src.markClaimable()
	l := f.plan(time.Now())[0]
	f.postpone(l, errors.New("lost"))
	src.restUntil.Store(0)
	src.markClaimable()
	if leases := f.plan(l.turn.retryAt.Add(-1)); len(leases) != 0 {
		t.Errorf("%d turns are made before the one that had no answer", len(leases))
	}
	if leases := f.plan(l.turn.retryAt); len(leases) != 1 || leases[0] != l {
		t.Errorf("then %d turns are made, want that one alone", len(leases))
	}
}

// TestAFetcherOnTheWireIsWokenForManyEnds, not for each.
func TestAFetcherOnTheWireIsWokenForManyEnds(t *testing.T) {
	t.Parallel()
	s, f := offline(t, 10, 1)
	l := f.leaseOf(s.supply.all()[0])
	ends := func() int {
		s.capacity.ran(0)
		end(l, jobs.Finish{ID: fmt.Sprint(s.capacity.ended.Load()), Outcome: jobs.Complete})
		woken := len(f.wakeup)
		if woken > 0 {
			<-f.wakeup
		}
		return woken
	}
	if ends() != 1 {
		t.Error("an end does not wake a fetcher that sleeps")
	}
	f.onWire.Add(1)
	f.expectEnds()
	woken := 0
	for i := range 3 * worthATurn {
		if ends() > 0 {
			woken++
			if i != worthATurn-1 {
				t.Errorf("woken by end %d", i+1)
			}
		}
	}
	if woken != 1 {
		t.Errorf("woken %d times, want once", woken)
	}
	if n := f.sayable(); n != 3*worthATurn+1 {
		t.Errorf("%d ends can be told, want %d", n, 3*worthATurn+1)
	}
	f.plan(time.Now())
	if n := f.sayable(); n != 0 {
		t.Errorf("%d ends can be told while a turn on their lease is on the wire", n)
	}
}
