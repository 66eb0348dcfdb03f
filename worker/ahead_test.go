package worker

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/internal/jobs"
)

// claimAhead has a fetcher claim n jobs of which none begins, and gives its lease.
func claimAhead(s *session, f *fetcher, src *source, n int) *lease {
	s.executors.limit = 0
	src.markClaimable()
	l := f.plan(time.Now())[0]
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
