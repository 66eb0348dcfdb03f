package jobs

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// newSignal makes a signal that is possible.
func newSignal(t *testing.T, name string, payload any, options ...flow.SignalOption) *Signal {
	t.Helper()
	s, err := NewSignal(name, payload, options)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// steps is the claim under which the steps of a handler count.
func (r *reporting) steps() *StepClaim {
	return &StepClaim{Partition: r.part, ID: r.claim.ID, Lease: r.l.Name, Seq: r.claim.Seq}
}

// keep keeps a step; the second call is a repeat.
func (r *reporting) keep(n int, name, result string) {
	r.t.Helper()
	for range 2 {
		r.must(r.steps().Keep(r.ctx, n, name, []byte(result)))
	}
}

func (r *reporting) wait(name string, timeout time.Duration) *StepWait {
	r.t.Helper()
	w, err := r.steps().Wait(r.ctx, name, timeout)
	r.must(err)
	return w
}

// suspend has the job sleep until a time, or for one of the signals.
func (r *reporting) suspend(until time.Time, signals ...string) {
	r.t.Helper()
	r.turn(r.l, 0, r.claim.finish(Snooze, func(f *Finish) { f.Sleep = &Sleep{Until: until, Signals: signals} }))
}

func (r *rig) signal(id, name string, payload any, options ...flow.SignalOption) (bool, error) {
	r.t.Helper()
	return r.part.Signal(r.ctx, id, newSignal(r.t, name, payload, options...))
}

// stepsOf reads what is kept.
func (r *rig) stepsOf(id string) *drayhorse.JobSteps {
	r.t.Helper()
	s, err := r.part.Steps(r.ctx, id)
	r.must(err)
	return s
}

func TestStepsOfOneJob(t *testing.T) {
	conform(t, func(r *rig) {
		id := r.enqueue(r.newJob(retained))[0]
		x := r.claimOne(r.newLease())
		x.keep(1, "a", `{"n":1}`)
		x.keep(2, "b.x-y", `"|"`)
		until, now, err := x.steps().Sleep(r.ctx, 3, "nap", 1500*time.Microsecond)
		r.must(err)
		if d := until.Sub(now); d != 2*time.Millisecond {
			t.Errorf("it sleeps for %v, want 2ms", d)
		}
		again, _, err := x.steps().Sleep(r.ctx, 3, "nap", time.Hour)
		r.must(err)
		if !again.Equal(until) {
			t.Errorf("a repeat sleeps until %v, want %v", again, until)
		}
		for n, name := range map[int]string{1: "other", 5: "far", 0: "none"} {
			r.wantError(x.steps().Keep(r.ctx, n, name, nil), drayhorse.ErrLeaseLost)
		}
		got := r.stepsOf(id)
		if len(got.Steps) != 3 || got.Steps[0].Name != "a" || string(got.Steps[0].Result) != `{"n":1}` || got.Steps[1].Name != "b.x-y" || string(got.Steps[1].Result) != `"|"` ||
			got.Steps[2].Type != drayhorse.StepSleep || !got.Steps[2].Until.Equal(until) || got.Steps[0].At.IsZero() {
			t.Errorf("steps = %+v", got.Steps)
		}
		x.finish(Fail)
		r.wantError(x.steps().Keep(r.ctx, 4, "late", nil), drayhorse.ErrLeaseLost)
		_, err = x.steps().Wait(r.ctx, "late", time.Hour)
		r.wantError(err, drayhorse.ErrLeaseLost)
		y := r.claimOne(r.newLease())
		r.wantError(x.steps().Keep(r.ctx, 4, "of another", nil), drayhorse.ErrLeaseLost)
		y.keep(4, "d", "4")
		y.finish(Exhaust)
		if got := r.stepsOf(id); len(got.Steps) != 4 {
			t.Errorf("an ended job has %d steps, want 4", len(got.Steps))
		}
		r.must(r.part.Retry(r.ctx, id))
		z := r.claimOne(r.newLease())
		if got, _, err := z.steps().Steps(r.ctx); err != nil || len(got.Steps) != 4 {
			t.Errorf("a retried job has %+v, %v", got, err)
		}
		z.finish(Complete)
		r.must(r.part.Delete(r.ctx, id))
		r.wantNoReports()
		_, err = r.part.Steps(r.ctx, id)
		r.wantError(err, drayhorse.ErrNotFound)
	})
}

// TestStepsGoWithTheirJob, at every way out; beside what was reported, and alone.
func TestStepsGoWithTheirJob(t *testing.T) {
	for name, out := range waysOut() {
		t.Run(name, func(t *testing.T) {
			conform(t, func(r *rig) {
				id := r.enqueue(r.newJob())[0]
				x := r.claimOne(r.newLease())
				for n := range 30 {
					x.keep(n+1, fmt.Sprint("s", n), strings.Repeat("1", 100))
				}
				x.wait("approved", time.Hour)
				for n := range 3 {
					_, err := r.signal(id, fmt.Sprint("signal", n), n)
					r.must(err)
				}
				if strings.Contains(name, "after") {
					x.say(lines(0, 2))
					x.keep(31, "one more", "1")
					x.say(stream("s", bytes.Repeat([]byte("x"), 40_000)))
				}
				out(r, x)
				r.wantNoReports()
			})
		})
	}
}

// TestReplacedJobsHaveNoSteps of the one before.
func TestReplacedJobsHaveNoSteps(t *testing.T) {
	conform(t, func(r *rig) {
		id := r.enqueue(r.newJob(ownID(r.ownIDHere())))[0]
		x := r.claimOne(r.newLease())
		x.keep(1, "a", "1")
		x.finish(Exhaust)
		r.enqueue(r.newJob(ownID(id), replacing))
		r.wantNoReports()
		if got := r.stepsOf(id); len(got.Steps) != 0 {
			t.Errorf("it has %+v", got.Steps)
		}
	})
}

// ownIDHere gives an ID that belongs in the rig's partition.
func (r *rig) ownIDHere() string {
	for n := 0; ; n++ {
		if id := fmt.Sprint("own", n); PartitionOf(r.parts, id) == r.part {
			return id
		}
	}
}

func TestSignals(t *testing.T) {
	conform(t, func(r *rig) {
		_, err := r.signal("unknown", "s", 1)
		r.wantError(err, drayhorse.ErrNotFound)
		id := r.enqueue(r.newJob(retained))[0]
		first := func(want bool, name string, payload any, options ...flow.SignalOption) {
			t.Helper()
			got, err := r.signal(id, name, payload, options...)
			if err != nil || got != want {
				t.Errorf("signal %s: first %v, %v; want %v", name, got, err, want)
			}
		}
		// Before the wait, and twice.
		first(true, "early", map[string]int{"n": 1}, flow.Key("k1"), flow.Sender("Ann | 1"))
		first(false, "early", 2, flow.Key("k1"))
		_, err = r.signal(id, "early", 3, flow.Key("k2"))
		r.wantError(err, drayhorse.ErrSignalled)
		_, err = r.signal(id, "early", 3)
		r.wantError(err, drayhorse.ErrSignalled)
		l := r.newLease()
		x := r.claimOne(l)
		if w := x.wait("early", time.Hour); !w.Came || string(w.Payload) != `{"n":1}` {
			t.Errorf("wait = %+v", w)
		}
		// While it runs, after the look: the turn sees it.
		w := x.wait("approved", time.Hour)
		if w.Came || w.TimedOut || w.Until.Sub(w.Now) != time.Hour {
			t.Errorf("wait = %+v", w)
		}
		first(true, "approved", "yes")
		x.suspend(w.Until, "approved")
		x = r.claimOne(l)
		if w := x.wait("approved", time.Hour); !w.Came || string(w.Payload) != `"yes"` {
			t.Errorf("wait = %+v", w)
		}
		// While it sleeps: at once in line, with the bell.
		w = x.wait("shipped", time.Hour)
		x.suspend(w.Until, "other", "shipped")
		r.wantState(id, drayhorse.Scheduled)
		if info := r.info(id); info.Attempt != 1 || !info.DueAt.Equal(w.Until) {
			t.Errorf("it sleeps until %v in attempt %d, want %v", info.DueAt, info.Attempt, w.Until)
		}
		r.client.Del(r.ctx, r.part.key(colBell))
		first(true, "nobody-waits", 1)
		r.wantState(id, drayhorse.Scheduled)
		first(true, "shipped", nil)
		r.wantState(id, drayhorse.Available)
		if n := r.client.LLen(r.ctx, r.part.key(colBell)).Val(); n != 1 {
			t.Errorf("the bell has %d", n)
		}
		x = r.claimOne(l)
		if w := x.wait("shipped", time.Hour); !w.Came || string(w.Payload) != `null` {
			t.Errorf("wait = %+v", w)
		}
		steps := r.stepsOf(id)
		if len(steps.Waits) != 2 || len(steps.Signals) != 4 || steps.Signals[0].Sender != "Ann | 1" || steps.Signals[0].Key != "k1" ||
			steps.Signals[0].Bytes != len(`{"n":1}`) || !steps.Waits[0].Came || steps.Waits[0].Open() {
			t.Errorf("steps = %+v", steps)
		}
		// After the end.
		x.finish(Complete)
		first(false, "early", 2, flow.Key("k1"))
		_, err = r.signal(id, "more", 1)
		var ended *drayhorse.EndedError
		if !errors.As(err, &ended) || ended.State != drayhorse.Completed || !errors.Is(err, drayhorse.ErrEnded) {
			t.Errorf("a signal to an ended job: %v", err)
		}
	})
}

// TestSignalsTooLate: the time of a wait is over by Redis' clock, whoever looks first.
func TestSignalsTooLate(t *testing.T) {
	conform(t, func(r *rig) {
		for _, handlerFirst := range []bool{false, true} {
			id := r.enqueue(r.newJob())[0]
			l := r.newLease()
			x := r.claimOne(l)
			w := x.wait("s", 2*time.Millisecond)
			x.suspend(w.Until, "s")
			redistest.Eventually(t, 5*time.Second, "its time is over", func() bool {
				claims := r.turn(l, 1).Claims
				if len(claims) == 1 {
					x.claim = claims[0]
				}
				return len(claims) == 1
			})
			if handlerFirst && !x.wait("s", time.Hour).TimedOut {
				t.Error("its time is not over")
			}
			_, err := r.signal(id, "s", 1)
			r.wantError(err, drayhorse.ErrSignalLate)
			if w := x.wait("s", time.Hour); !w.TimedOut || w.Came {
				t.Errorf("wait = %+v", w)
			}
			if w := x.wait("none", 0); !w.TimedOut {
				t.Errorf("a wait for no time = %+v", w)
			}
			if steps := r.stepsOf(id); !steps.Waits[0].TimedOut || steps.Waits[0].At.IsZero() {
				t.Errorf("waits = %+v", steps.Waits)
			}
			x.finish(Complete)
		}
	})
}

// TestSignalsCutNoBackoffShort: a job that failed since it slept is not in line for a signal.
func TestSignalsCutNoBackoffShort(t *testing.T) {
	conform(t, func(r *rig) {
		id := r.enqueue(r.newJob())[0]
		l := r.newLease()
		x := r.claimOne(l)
		w := x.wait("s", time.Hour)
		x.suspend(w.Until, "s")
		r.must(r.part.Retry(r.ctx, id))
		x = r.claimOne(l)
		r.turn(l, 0, x.claim.finish(Fail, func(f *Finish) { f.Delay = 30 * time.Minute }))
		_, err := r.signal(id, "s", 1)
		r.must(err)
		r.wantState(id, drayhorse.Retryable)
	})
}

func TestSignalsAreBounded(t *testing.T) {
	conform(t, func(r *rig) {
		id := r.enqueue(r.newJob())[0]
		for n := range drayhorse.MaxSignals {
			_, err := r.signal(id, fmt.Sprint("s", n), n)
			r.must(err)
		}
		_, err := r.signal(id, "more", 1)
		r.wantError(err, drayhorse.ErrInvalid)
		if err == nil || !strings.Contains(err.Error(), "at most 64") {
			t.Errorf("error %v names no limit", err)
		}
		_, err = r.signal(id, "s1", 1)
		r.wantError(err, drayhorse.ErrSignalled)
	})
}

// TestImpossibleSignals are refused before they are sent.
func TestImpossibleSignals(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 200)
	for want, err := range map[string]error{
		"signal \"a b\"":                 second(NewSignal("a b", 1, nil)),
		"signal \"\"":                    second(NewSignal("", 1, nil)),
		"no JSON":                        second(NewSignal("s", make(chan int), nil)),
		"has 65538 bytes; at most 65536": second(NewSignal("s", strings.Repeat("x", 64<<10), nil)),
		"key \"a|b\"":                    second(NewSignal("s", 1, []flow.SignalOption{flow.Key("a|b")})),
		"at most 128 bytes":              second(NewSignal("s", 1, []flow.SignalOption{flow.Sender(long)})),
		"text in one line":               second(NewSignal("s", 1, []flow.SignalOption{flow.Sender("a\nb")})),
		"is nil":                         second(NewSignal("s", 1, []flow.SignalOption{nil})),
	} {
		if !errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// TestManySteps are read in pages.
func TestManySteps(t *testing.T) {
	conform(t, func(r *rig) {
		id := r.enqueue(r.newJob())[0]
		x := r.claimOne(r.newLease())
		const n = 15
		result := bytes.Repeat([]byte("1"), drayhorse.MaxStepResult)
		for i := range n {
			r.must(x.steps().Keep(r.ctx, i+1, fmt.Sprint("s", i), result))
		}
		got := r.stepsOf(id).Steps
		if len(got) != n || !slices.EqualFunc(got, got, func(a, _ drayhorse.JobStep) bool { return len(a.Result) == len(result) }) {
			t.Errorf("%d steps, want %d", len(got), n)
		}
		x.finish(Complete)
		r.wantNoReports()
	})
}
