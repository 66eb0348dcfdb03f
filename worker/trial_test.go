package worker

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
)

// planTrial gives the lease of a trial that the fetcher begins, or nil.
func planTrial(f *fetcher) *lease {
	leases := f.plan(time.Now())
	if i := slices.IndexFunc(leases, func(l *lease) bool { return l.turn.Trial }); i >= 0 {
		return leases[i]
	}
	return nil
}

// TestOneTrialAtATime: the permit stays until Redis knows what became of all its jobs.
func TestOneTrialAtATime(t *testing.T) {
	t.Parallel()
	s, f := offline(t, 10, 1, 1)
	first, second := s.supply.all()[0], s.supply.all()[1]
	first.noteSuspects(4)
	second.noteSuspects(1)
	trial := planTrial(f)
	if trial == nil || trial.turn.Want != 10 || trial.source != first {
		t.Fatalf("trial = %+v, want one on the first source for all free slots", trial)
	}
	if planTrial(f) != nil {
		t.Fatal("two trials at once")
	}
	s.executors.limit = 0 // nothing runs: the test ends the jobs
	f.settle(trial, jobs.TurnReply{Turned: &jobs.Turned{Suspects: 2, Claims: []jobs.Claim{{ID: "a"}, {ID: "b"}}}})
	for _, e := range trial.executions() {
		if s.permit.isFree() {
			t.Fatal("another trial may begin before all jobs of the last one have ended")
		}
		trial.report(e, jobs.Finish{Outcome: jobs.Complete}, nil)
	}
	if got := f.plan(time.Now()); !slices.Equal(said(got), []string{"a", "b"}) {
		t.Fatalf("the turns say %q, want what ended in the trial", said(got))
	}
	if planTrial(f) != nil {
		t.Fatal("another trial before Redis knows what became of the last one")
	}
	f.settle(trial, jobs.TurnReply{Turned: &jobs.Turned{}})
	if next := planTrial(f); next == nil || next == trial || next.source != second {
		t.Errorf("the next trial is %+v, want one on the other source", next)
	}
}

// TestTrialThatClaimsNothingIsNotRepeated: the queue may be paused.
func TestTrialThatClaimsNothingIsNotRepeated(t *testing.T) {
	t.Parallel()
	s, f := offline(t, 10, 1)
	s.supply.all()[0].noteSuspects(4)
	f.settle(planTrial(f), jobs.TurnReply{Turned: &jobs.Turned{Suspects: 4}})
	if planTrial(f) != nil {
		t.Error("it is tried again at once")
	}
	s.supply.all()[0].applyObservation(&jobs.Observation{Suspects: 4})
	if planTrial(f) == nil {
		t.Error("it is not tried again after a look")
	}
}

// TestTrialWithoutAnswer: while Redis is away the permit stays, since the trial may have
// jobs. On a broken partition others get it, and what was claimed after all goes back.
func TestTrialWithoutAnswer(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{"away": fmt.Errorf("%w: gone", drayhorse.ErrUnavailable), "broken": errors.New("WRONGTYPE")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, f := offline(t, 10, 1, 1)
			s.executors.limit = 0
			s.supply.all()[0].noteSuspects(1)
			trial := planTrial(f)
			f.settleAll([]*lease{trial}, []jobs.TurnReply{{Err: err}})
			s.supply.all()[1].noteSuspects(1)
			if next := planTrial(f); (next != nil) != (name == "broken") {
				t.Fatalf("another trial begins: %v", next != nil)
			}
			f.plan(trial.turn.retryAt)
			f.settle(trial, jobs.TurnReply{Turned: &jobs.Turned{Claims: []jobs.Claim{{ID: "a"}}}})
			back := len(trial.unsaid.list) == 1 && trial.unsaid.list[0].Outcome == jobs.Release
			if back != (name == "broken") {
				t.Errorf("its job goes back: %v", back)
			}
		})
	}
}

// TestLostTrialKeepsThePermitUntilItsHandlersReturn, and says that the worker lives.
func TestLostTrialKeepsThePermitUntilItsHandlersReturn(t *testing.T) {
	t.Parallel()
	s, f := offline(t, 10, 1)
	var alive []string
	f.onLost = func(_ *jobs.Lease, ids []string) { alive = ids }
	s.executors.limit = 0
	s.supply.all()[0].noteSuspects(2)
	trial := planTrial(f)
	f.settle(trial, jobs.TurnReply{Turned: &jobs.Turned{Claims: []jobs.Claim{{ID: "a"}, {ID: "b"}}}})
	held := trial.executions()
	trial.report(held[0], jobs.Finish{Outcome: jobs.Complete}, nil)
	f.plan(time.Now())
	f.settle(trial, jobs.TurnReply{Err: drayhorse.ErrLeaseLost})
	if slices.Sort(alive); !slices.Equal(alive, []string{"a", "b"}) {
		t.Errorf("it is said of %q that the worker lives, want of all that was held", alive)
	}
	if s.permit.isFree() {
		t.Error("the permit is free while a handler runs")
	}
	trial.report(held[1], jobs.Finish{Outcome: jobs.Complete}, nil)
	if !s.permit.isFree() {
		t.Error("the permit is not free after the last handler")
	}
}
