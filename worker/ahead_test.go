package worker

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
)

// claimAhead has a fetcher claim n jobs of which none begins, and gives its lease.
func claimAhead(s *session, f *fetcher, src *source, n int) *lease {
	s.executors.limit = 0
	l := f.leaseOf(src)
	if f.claims {
		src.markClaimable()
		f.plan(time.Now())
	} else {
		l.turn.Turn = &jobs.Turn{Lease: l.Lease, Want: n} // as at the bells
	}
	envelope := &jobs.Envelope{Kind: "none", MaxAttempts: 1, EnqueuedAt: time.Now(), Args: []byte("{}")}
	claims := make([]jobs.Claim, n)
	for i := range claims {
		claims[i] = jobs.Claim{ID: fmt.Sprint(i), Envelope: string(envelope.Encode())}
	}
	f.settle(l, jobs.TurnReply{Turned: &jobs.Turned{Claims: claims}})
	return l
}

// TestWhatHasNotBegunGoesBack, in its order: each goes in front of the one before.
func TestWhatHasNotBegunGoesBack(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		act  func(s *session)
		want []string
	}{
		{"stop or quiet", func(s *session) { s.close() }, []string{"2", "1", "0"}},
		{"after a while", func(s *session) {
			for _, e := range s.executors.line {
				e.claimedAt = e.claimedAt.Add(-2 * maxWaitAhead)
			}
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			g := &guard{parts: &s.parts, deadlines: s.deadlines, leases: func() []*lease { cancel(); return nil }}
			g.run(ctx)
		}, []string{"2", "1", "0"}},
		{"not before", func(s *session) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			g := &guard{parts: &s.parts, deadlines: s.deadlines, leases: func() []*lease { cancel(); return nil }}
			g.run(ctx)
		}, nil},
		{"the queue is paused", func(s *session) { s.withdraw("q0") }, []string{"2", "1", "0"}},
		{"another queue is paused", func(s *session) { s.withdraw("q1") }, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, f := offline(t, 10, 1, 1)
			l := claimAhead(s, f, s.supply.all()[0], 3)
			test.act(s)
			var got []string
			for _, f := range l.unsaid.list {
				if f.Outcome != jobs.Release {
					t.Errorf("job %s: %s, want release", f.ID, f.Outcome)
				}
				got = append(got, f.ID)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("%q go back, want %q", got, test.want)
			}
			if held := s.capacity.held.Load(); int(held) != 3-len(test.want) {
				t.Errorf("%d jobs are held", held)
			}
		})
	}
}

// TestJobsOfALostLeaseDoNotBegin: others have them.
func TestJobsOfALostLeaseDoNotBegin(t *testing.T) {
	t.Parallel()
	s, f := offline(t, 10, 1)
	f.onLost = func(*jobs.Lease, []string) {}
	l := claimAhead(s, f, s.supply.all()[0], 3)
	l.lose()
	for _, e := range l.executions() {
		s.runner.run(e)
		if e.started.Load() != 0 {
			t.Error("a handler began")
		}
	}
	if held := s.capacity.held.Load(); held != 0 {
		t.Errorf("%d jobs are held, want none", held)
	}
}

// TestParkedJobsThatCannotBeHadAreLeftAlone: the queue is paused, or others have them. A
// look says when they can be had.
func TestParkedJobsThatCannotBeHadAreLeftAlone(t *testing.T) {
	t.Parallel()
	s, f := offline(t, 10, 1)
	s.kinds["k"] = &registration{}
	src := s.supply.all()[0]
	src.markClaimable()
	parked := jobs.TurnReply{Turned: &jobs.Turned{Lanes: []string{"k"}}}
	turns := 0
	for leases := f.plan(time.Now()); len(leases) > 0; leases = f.plan(time.Now()) {
		if turns++; turns > 2 {
			t.Fatal("the turn is made again and again")
		}
		f.settle(leases[0], parked)
	}
	if turns != 2 {
		t.Errorf("%d turns, want one that learns of the kind and one that asks for it", turns)
	}
	src.applyObservation(&jobs.Observation{Lanes: []string{"k"}, Paused: true})
	if src.isClaimable() {
		t.Error("it is claimable though the queue is paused")
	}
	src.applyObservation(&jobs.Observation{Lanes: []string{"k"}})
	if !src.isClaimable() {
		t.Error("it is not claimable after a look that saw it")
	}
}

// TestNothingIsClaimedForWhatIsUntold: what has ended is the worker's, as Redis sees it, until
// a turn has told it. Nothing more is claimed for its slots before, lest the worker hold
// more than it can run; unless nobody knows when it can be told.
func TestNothingIsClaimedForWhatIsUntold(t *testing.T) {
	t.Parallel()
	const slots = 10
	for _, test := range []struct {
		name string
		told func(waiter *fetcher, l *lease)
	}{
		{"told", func(waiter *fetcher, l *lease) { waiter.settle(l, jobs.TurnReply{Turned: &jobs.Turned{}}) }},
		{"its node is away", func(waiter *fetcher, l *lease) { waiter.postpone(l, drayhorse.ErrUnavailable) }},
		{"its lease is lost", func(waiter *fetcher, l *lease) { waiter.settle(l, jobs.TurnReply{Err: drayhorse.ErrLeaseLost}) }},
		{"told late", func(waiter *fetcher, l *lease) {
			waiter.postpone(l, drayhorse.ErrUnavailable)
			waiter.settle(l, jobs.TurnReply{Turned: &jobs.Turned{}})
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, claimer := offline(t, slots, 1, 1)
			claimer.onLost, claimer.mate.onLost = func(*jobs.Lease, []string) {}, func(*jobs.Lease, []string) {}
			waiter, other := claimer.mate, s.supply.all()[1]
			wants := func() (n int) {
				for _, l := range claimer.plan(time.Now()) {
					n += l.turn.Want
					claimer.settle(l, jobs.TurnReply{Turned: &jobs.Turned{}})
				}
				return n
			}
			l := claimAhead(s, waiter, s.supply.all()[0], slots)
			for _, e := range l.executions() {
				e.release()
			}
			other.expect(slots)
			if n := wants(); n != 0 {
				t.Errorf("%d jobs are claimed though the %d that have ended are untold", n, slots)
			}
			other.expect(slots)
			told := waiter.plan(time.Now())
			if len(told) != 1 || len(told[0].turn.Finishes) != slots {
				t.Fatalf("%d leases tell of what has ended", len(told))
			}
			if n := wants(); n != 0 {
				t.Errorf("%d jobs are claimed while the turn that tells is under way", n)
			}
			other.expect(slots)
			test.told(waiter, l)
			if n := wants(); n != slots {
				t.Errorf("then %d jobs are claimed, want %d", n, slots)
			}
			if n := claimer.untold.Load() + waiter.untold.Load(); n != 0 {
				t.Errorf("%d count as untold in the end", n)
			}
		})
	}
}
