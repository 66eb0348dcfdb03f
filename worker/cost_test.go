package worker

import (
	"context"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
)

type cost struct {
	N int `json:"n"`
}

func (cost) Kind() string { return "cost" }

// newRun makes a session that never sees Redis, and gives a function that takes one
// claim through its handler to its finish.
func newRun(t testing.TB) func() {
	t.Helper()
	run, _ := newSessionRun(t)
	return run
}

// newSessionRun gives the session as well.
func newSessionRun(t testing.TB) (run func(), s *session) {
	t.Helper()
	s, f := offline(t, 10, 1) // slots, so that no job's end is the first one to be free
	s.teller.heard(0)
	s.kinds["cost"] = &registration{retry: Constant(0), handler: typed(func(context.Context, *drayhorse.Job[cost]) error { return nil }, false)}
	l := f.leaseOf(s.supply.all()[0])
	envelope := &jobs.Envelope{Kind: "cost", MaxAttempts: 25, Timeout: time.Hour, EnqueuedAt: time.Now(), Args: []byte(`{"n":1}`)}
	claim := jobs.Claim{ID: "job", Envelope: string(envelope.Encode())}
	now := time.Now()
	return func() {
		s.capacity.hold(1)
		e := newExecution(s.base, "q0", &claim, l, now)
		l.add([]*execution{e})
		s.runner.run(e)
		l.unsaid, f.ended = l.unsaid.emptied(), f.ended[:0] // as after a turn
		s.teller.pending = s.teller.pending[:0]             // as after a flush
		s.teller.ordinary.Store(0)
	}, s
}

// TestAllocationsOfAJob guards what a short job costs a worker: the execution, its
// arguments raw and typed, and what reading them takes.
func TestAllocationsOfAJob(t *testing.T) { //nolint:paralleltest // counts allocations
	const want = 3
	if got := testing.AllocsPerRun(1000, newRun(t)); got != want {
		t.Errorf("%v allocations, want %v", got, want)
	}
}

func BenchmarkJob(b *testing.B) {
	run := newRun(b)
	b.ReportAllocs()
	for b.Loop() {
		run()
	}
}

// TestAllocationsOfAJobThatIsToldOf: what a listener costs beside.
func TestAllocationsOfAJobThatIsToldOf(t *testing.T) { //nolint:paralleltest // counts allocations
	run, s := newSessionRun(t)
	s.teller.heard(time.Hour)
	const want = 4 // one more, for the event that waits for the turn
	if got := testing.AllocsPerRun(1000, run); got != want {
		t.Errorf("%v allocations, want %v", got, want)
	}
}
