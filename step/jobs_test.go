package step_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/drayhorsetest"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/step"
	"github.com/drayhorse/drayhorse/worker"
)

// square is a job of a step. Odd ones fail while the test says so.
type square struct {
	N int `json:"n"`
}

func (square) Kind() string { return "square" }

func squares(n int) (specs []drayhorse.Spec) {
	for i := range n {
		specs = append(specs, drayhorse.Spec{Args: square{i}, Options: []drayhorse.Option{drayhorse.MaxAttempts(1)}})
	}
	return specs
}

// family is a handler with jobs of a step, and theirs.
type family struct {
	*rig
	worker *worker.Worker
	broken bool            // odd squares fail
	ran    map[int]int     // how often each square did
	runs   int             // of the handler
	got    []int           // what its step gave
	errs   []error         // and that of each run in which it gave one
	around func(at string) // called before the step, and behind it
}

func newFamily(t *testing.T, n int) *family {
	f := &family{rig: setup(t), ran: map[int]int{}, around: func(string) {}}
	f.worker = f.rig.worker(func(ctx context.Context, job *drayhorse.Job[order]) error {
		f.runs++
		f.around("before")
		got, err := step.Jobs[int](ctx, "squares", squares(n)...)
		f.around("behind")
		if _, failed := errors.AsType[*step.JobsError](err); failed || err == nil {
			f.got, f.errs = got, append(f.errs, err)
			if failed {
				return drayhorse.Snooze(time.Minute)
			}
		}
		return err
	})
	worker.Handle(f.worker, func(_ context.Context, job *drayhorse.Job[square]) error {
		f.ran[job.Args.N]++
		if f.broken && job.Args.N%2 == 1 {
			return errors.New("odd")
		}
		return job.SetResult(job.Args.N * job.Args.N)
	})
	return f
}

// TestJobsOfAStep: their results come in their order, and the job runs twice, however many they are; meanwhile
// it takes no slot.
func TestJobsOfAStep(t *testing.T) {
	const n = 300
	f := newFamily(t, n)
	id := f.enqueue()
	outcomes := f.Work(f.worker)
	if first := outcomes[0]; first.State != drayhorse.Scheduled || first.Job.Kind != "order" {
		t.Errorf("the first run came to %+v", first)
	}
	if o := f.last(outcomes); o.Job.ID != id || o.State != drayhorse.Completed || o.Job.Attempt != 1 || len(outcomes) != n+2 || f.runs != 2 {
		t.Fatalf("%d runs, of the job %d; the last is %+v", len(outcomes), f.runs, o)
	}
	for i, v := range f.got {
		if v != i*i || f.ran[i] != 1 {
			t.Errorf("job %d gave %d and ran %d times", i, v, f.ran[i])
		}
	}
	// The same ID after its end: these are jobs of their own.
	for range 2 {
		f.enqueue(drayhorse.ID("mine"), drayhorse.ReplaceEnded())
		if o := f.last(f.Work(f.worker)); o.State != drayhorse.Completed {
			t.Fatalf("%+v", o)
		}
		f.Advance(time.Second)
	}
	if f.ran[7] != 3 {
		t.Errorf("a job ran %d times for three of the step", f.ran[7])
	}
}

// TestJobsOfAStepThatFail: the error names them, also in later attempts, until they are retried.
func TestJobsOfAStepThatFail(t *testing.T) {
	f := newFamily(t, 4)
	f.broken = true
	f.enqueue()
	for range 3 {
		f.Work(f.worker)
		f.Advance(time.Minute)
	}
	if len(f.errs) < 2 {
		t.Fatalf("%v; want an error in each run", f.errs)
	}
	failed, ok := errors.AsType[*step.JobsError](f.errs[1])
	if !ok || failed.Step != "squares" || failed.Total != 4 || len(failed.Failed) != 2 || failed.Failed[1].Index != 3 || failed.Failed[1].State != flow.StepDiscarded {
		t.Fatalf("%v", f.errs)
	}
	if !strings.Contains(failed.Error(), "2 of 4 jobs of flow "+failed.FlowID+" have not completed; job 1, "+failed.Failed[0].JobID+", was discarded") {
		t.Errorf("%v", failed)
	}
	if !slices.Equal(f.got, []int{0, 0, 4, 0}) || f.ran[1] != 1 {
		t.Errorf("results %v, runs %v", f.got, f.ran)
	}
	f.broken = false
	f.must(f.Admin.Retry(t.Context(), "", failed.Failed[0].JobID))
	f.must(f.Producer.RetryFlow(t.Context(), failed.FlowID, flow.FailedOnly))
	for range 5 {
		f.Work(f.worker)
		f.Advance(time.Minute)
	}
	if !slices.Equal(f.got, []int{0, 1, 4, 9}) || f.errs[len(f.errs)-1] != nil {
		t.Errorf("after a retry: %v, %v", f.got, f.errs)
	}
}

// TestJobsOfAStepKilled: whatever line the worker dies at, or loses its lease, the jobs are there once, and
// the job gets their results.
func TestJobsOfAStepKilled(t *testing.T) {
	for _, how := range []string{"worker", "lease"} {
		for run := range 2 {
			for _, line := range []string{"before", "behind"} {
				t.Run(fmt.Sprint(how, " in run ", run+1, " ", line), func(t *testing.T) {
					f := newFamily(t, 5)
					killed := false
					f.around = func(at string) {
						if at != line || f.runs != run+1 || killed {
							return
						}
						killed = true
						if how == "worker" {
							f.LoseWorker()
						} else {
							f.LoseLease()
						}
					}
					f.enqueue()
					o := f.last(f.Work(f.worker))
					if o.State != drayhorse.Completed || !killed || !slices.Equal(f.got, []int{0, 1, 4, 9, 16}) {
						t.Fatalf("%+v, killed %v, %v", o, killed, f.got)
					}
					for i := range 5 {
						if f.ran[i] != 1 {
							t.Errorf("job %d ran %d times", i, f.ran[i])
						}
					}
				})
			}
		}
	}
}

// TestJobsOfAStepWithoutTheirSignal: somebody sends one of its name before, so that theirs counts for nothing: the job
// looks by itself.
func TestJobsOfAStepWithoutTheirSignal(t *testing.T) {
	f := newFamily(t, 2)
	id := f.enqueue()
	f.must(f.Producer.Signal(t.Context(), id, "squares", "not theirs"))
	outcomes := f.Work(f.worker)
	if f.runs != 1 {
		t.Errorf("the job ran %d times at once: %v", f.runs, outcomes)
	}
	f.Advance(time.Minute)
	if o := f.last(f.Work(f.worker)); o.State != drayhorse.Completed || !slices.Equal(f.got, []int{0, 1}) {
		t.Fatalf("%+v, %v", o, f.got)
	}
}

// TestMistakesInJobsOfAStep are refused, and enqueue nothing.
func TestMistakesInJobsOfAStep(t *testing.T) {
	r := setup(t)
	var got []error
	n := 1
	w := r.worker(func(ctx context.Context, _ *drayhorse.Job[order]) error {
		note := func(name string, specs ...drayhorse.Spec) {
			_, err := step.Jobs[int](ctx, name, specs...)
			got = append(got, err)
		}
		if n == 1 {
			r.must(r.note(ctx, "taken"))
		}
		note("with/slash", squares(1)...)
		if n == 1 {
			note("taken", squares(1)...)
		}
		note("with-id", drayhorse.Spec{Args: square{}, Options: []drayhorse.Option{drayhorse.ID("a")}})
		note("too-many", squares(flow.MaxSteps+1)...)
		note("none")
		if n == 2 {
			note("taken", squares(1)...)
		}
		_, err := step.Jobs[int](ctx, "more", squares(n)...)
		n = 2
		return err
	})
	worker.Handle(w, func(_ context.Context, job *drayhorse.Job[square]) error { return nil })
	r.enqueue(drayhorse.MaxAttempts(1))
	o := r.last(r.Work(w))
	for i, want := range []string{`"with/slash"`, `"taken" comes twice in one run`, `ID("a") for a step`, "a flow of 10001 steps", "", `"with/slash"`, `ID("a") for a step`, "a flow of 10001 steps", "", `"taken" is a wait for a signal, and was a run`} {
		if err := got[i]; (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %s", err, want)
		}
	}
	if o.State != drayhorse.Discarded || !errors.Is(o.Err, step.ErrName) || !strings.Contains(o.Err.Error(), `step "more" has 2 jobs; the job took it first with 1`) {
		t.Errorf("another number of jobs: %+v", o)
	}
}

// TestJobsByHand: a handler that a test calls itself.
func TestJobsByHand(t *testing.T) {
	t.Parallel()
	var steps drayhorsetest.Steps
	if _, err := step.Jobs[int](steps.Context(t.Context()), "squares", squares(3)...); drayhorsetest.Snoozed(t, err) <= 0 {
		t.Errorf("%v", err)
	}
	if all := steps.Jobs("squares"); len(all) != 3 || all[2].Args != (square{2}) {
		t.Errorf("%+v", all)
	}
	steps.Complete(t, "squares", 0, 1, json.RawMessage("4"))
	if got, err := step.Jobs[int](steps.Context(t.Context()), "squares", squares(3)...); err != nil || !slices.Equal(got, []int{0, 1, 4}) {
		t.Errorf("%v, %v", got, err)
	}
}
