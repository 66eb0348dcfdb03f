package step_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/drayhorsetest"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/step"
	"github.com/drayhorse/drayhorse/worker"
)

type order struct {
	N int `json:"n"`
}

func (order) Kind() string { return "order" }

type handler = func(ctx context.Context, job *drayhorse.Job[order]) error

// rig is an Env with jobs whose steps note what they did.
type rig struct {
	*drayhorsetest.Env
	t *testing.T

	mu   sync.Mutex
	done []string
}

func setup(t *testing.T) *rig {
	t.Helper()
	t.Parallel()
	return &rig{Env: drayhorsetest.New(t), t: t}
}

func (r *rig) worker(h handler) *worker.Worker {
	r.t.Helper()
	w, err := worker.New(worker.Config{RedisURL: r.URL, Queues: map[string]int{"default": 1}, Retry: worker.Constant(0)})
	if err != nil {
		r.t.Fatal(err)
	}
	worker.Handle(w, h)
	return w
}

func (r *rig) enqueue(options ...drayhorse.Option) string {
	r.t.Helper()
	info, err := r.Producer.Enqueue(r.t.Context(), order{}, append(options, drayhorse.Retain(365*24*time.Hour))...)
	if err != nil {
		r.t.Fatal(err)
	}
	return info.ID
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// note is a step that notes that it ran.
func (r *rig) note(ctx context.Context, name string) error {
	_, err := step.Run(ctx, name, func(context.Context) (string, error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.done = append(r.done, name)
		return name, nil
	})
	return err
}

func (r *rig) want(names ...string) {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Equal(r.done, names) {
		r.t.Errorf("steps %q ran, want %q", r.done, names)
	}
}

// last gives what the only run of a Work came to.
func (r *rig) last(outcomes []drayhorsetest.Outcome) drayhorsetest.Outcome {
	r.t.Helper()
	if len(outcomes) == 0 {
		r.t.Fatal("nothing ran")
	}
	return outcomes[len(outcomes)-1]
}

// TestAStepRunsUntilItSucceeds, and then no more.
func TestAStepRunsUntilItSucceeds(t *testing.T) {
	r := setup(t)
	type charge struct {
		ID     string
		hidden int
	}
	tries := 0
	var seen []charge
	w := r.worker(func(ctx context.Context, job *drayhorse.Job[order]) error {
		r.must(r.note(ctx, "first"))
		c, err := step.Run(ctx, "charge", func(context.Context) (charge, error) {
			if tries++; tries < 3 {
				return charge{}, fmt.Errorf("try %d", tries)
			}
			return charge{"c1", 7}, nil
		})
		if err != nil {
			return err
		}
		seen = append(seen, c)
		if job.Attempt < 5 {
			return errors.New("later")
		}
		return job.SetResult(c.ID)
	})
	id := r.enqueue()
	outcomes := r.Work(w)
	if len(outcomes) != 5 || outcomes[0].Err.Error() != "try 1" || outcomes[4].State != drayhorse.Completed {
		t.Errorf("outcomes %v", outcomes)
	}
	if tries != 3 {
		t.Errorf("it ran %d times, want 3", tries)
	}
	for _, c := range seen {
		if c != (charge{ID: "c1"}) {
			t.Errorf("an attempt saw %+v, want what JSON keeps", c)
		}
	}
	r.want("first")
	kept, err := r.Producer.Steps(t.Context(), id)
	r.must(err)
	if len(kept.Steps) != 2 || kept.Steps[1].Name != "charge" || string(kept.Steps[1].Result) != `{"ID":"c1"}` {
		t.Errorf("kept %+v", kept)
	}
}

// TestAMonth passes in no time, and is counted from the first call on.
func TestAMonth(t *testing.T) {
	r := setup(t)
	failed := false
	w := r.worker(func(ctx context.Context, _ *drayhorse.Job[order]) error {
		r.must(r.note(ctx, "before"))
		if err := step.Sleep(ctx, "month", 30*24*time.Hour); err != nil {
			return fmt.Errorf("wrapped: %w", err)
		}
		if !failed {
			failed = true
			return errors.New("once")
		}
		return r.note(ctx, "after")
	})
	id := r.enqueue()
	due := r.Now().Add(30 * 24 * time.Hour)
	o := r.last(r.Work(w))
	if o.State != drayhorse.Scheduled || !o.DueAt.Equal(due.Truncate(time.Millisecond)) && o.DueAt.Sub(due).Abs() > time.Second || o.Job.Attempt != 1 {
		t.Fatalf("outcome %v, want it due at %v", o, due)
	}
	r.Advance(29 * 24 * time.Hour)
	if outcomes := r.Work(w); len(outcomes) != 0 {
		t.Fatalf("it ran in its sleep: %v", outcomes)
	}
	r.must(r.Producer.Retry(t.Context(), id)) // an operator is curious
	if o := r.last(r.Work(w)); o.State != drayhorse.Scheduled || !strings.Contains(o.Err.Error(), `step "month" sleeps until`) {
		t.Fatalf("outcome %v", o)
	}
	r.Advance(24*time.Hour + time.Second)
	if o := r.last(r.Work(w)); o.State != drayhorse.Completed || o.Job.Attempt != 2 {
		t.Fatalf("outcome %v", o)
	}
	r.want("before", "after")
}

// TestSignals that come before, while the job sleeps, and too late.
func TestSignals(t *testing.T) {
	type answer struct{ OK bool }
	wait := func(r *rig) *worker.Worker {
		return r.worker(func(ctx context.Context, job *drayhorse.Job[order]) error {
			r.must(r.note(ctx, "ask"))
			a, err := step.WaitSignal[answer](ctx, "approved", 48*time.Hour)
			if errors.Is(err, step.ErrTimeout) {
				return drayhorse.Discard(err)
			}
			if err != nil {
				return err
			}
			return job.SetResult(a.OK)
		})
	}
	t.Run("before", func(t *testing.T) {
		r := setup(t)
		id := r.enqueue()
		r.must(r.Producer.Signal(t.Context(), id, "approved", answer{true}))
		if o := r.last(r.Work(wait(r))); o.State != drayhorse.Completed || string(o.Result) != "true" {
			t.Errorf("outcome %v", o)
		}
	})
	t.Run("while it sleeps", func(t *testing.T) {
		r := setup(t)
		id, w := r.enqueue(), wait(r)
		if o := r.last(r.Work(w)); o.State != drayhorse.Scheduled || !strings.Contains(o.Err.Error(), `step "approved" waits for its signal until`) {
			t.Fatalf("outcome %v", o)
		}
		r.Advance(time.Hour)
		send := func() error {
			return r.Producer.Signal(t.Context(), id, "approved", answer{true}, flow.Key("k1"), flow.Sender("ann"), flow.Queue("default"))
		}
		r.must(send())
		r.must(send())
		if err := r.Producer.Signal(t.Context(), id, "approved", answer{}, flow.Key("k2")); !errors.Is(err, drayhorse.ErrSignalled) {
			t.Errorf("another key: %v", err)
		}
		if o := r.last(r.Work(w)); o.State != drayhorse.Completed || string(o.Result) != "true" || o.Job.Attempt != 1 {
			t.Errorf("outcome %v", o)
		}
		r.want("ask")
		err := r.Producer.Signal(t.Context(), id, "other", 1)
		var ended *drayhorse.EndedError
		if !errors.As(err, &ended) || ended.State != drayhorse.Completed {
			t.Errorf("a signal to an ended job: %v", err)
		}
	})
	t.Run("too late", func(t *testing.T) {
		r := setup(t)
		id, w := r.enqueue(), wait(r)
		r.Work(w)
		r.Advance(49 * time.Hour)
		if err := r.Producer.Signal(t.Context(), id, "approved", answer{true}); !errors.Is(err, drayhorse.ErrSignalLate) {
			t.Errorf("a signal that is late: %v", err)
		}
		o := r.last(r.Work(w))
		if o.State != drayhorse.Discarded || !errors.Is(o.Err, step.ErrTimeout) {
			t.Errorf("outcome %v", o)
		}
		// A retry goes on where the job was, and that is after the time.
		r.must(r.Producer.Retry(t.Context(), id))
		if o := r.last(r.Work(w)); o.State != drayhorse.Discarded {
			t.Errorf("outcome %v", o)
		}
		r.want("ask")
	})
	t.Run("unknown", func(t *testing.T) {
		r := setup(t)
		if err := r.Producer.Signal(t.Context(), "unknown", "s", 1); !errors.Is(err, drayhorse.ErrNotFound) || errors.Is(err, drayhorse.ErrEnded) {
			t.Errorf("error %v", err)
		}
		if err := r.Producer.Signal(t.Context(), "unknown", "a b", 1); !errors.Is(err, drayhorse.ErrInvalid) {
			t.Errorf("error %v", err)
		}
	})
}

// tenSteps is a handler of ten steps. at is called at each of its lines, with the step and where
// in it that is: before it, in it before what it does, and after that.
func (r *rig) tenSteps(ctx context.Context, at func(line string)) error {
	for n := range 10 {
		name := stepName(n)
		at(name + " before")
		var err error
		switch sort := sorts[n]; sort {
		case "sleep":
			err = step.Sleep(ctx, name, time.Millisecond)
		case "wait":
			_, err = step.WaitSignal[int](ctx, name, time.Hour)
		default:
			_, err = step.Run(ctx, name, func(context.Context) (int, error) {
				at(name + " begun")
				r.mu.Lock()
				r.done = append(r.done, name)
				r.mu.Unlock()
				at(name + " done")
				return n, nil
			})
		}
		if err != nil {
			return err
		}
	}
	at("end")
	return nil
}

// sorts are what the ten steps are; the others run.
var sorts = map[int]string{3: "sleep", 7: "wait"}

func stepName(n int) string { return fmt.Sprint("step-", n+1) }

// TestKilledAtEveryLine: whatever line a worker dies at, or loses its lease, no step that is
// finished runs again.
func TestKilledAtEveryLine(t *testing.T) {
	lines := []string{"end"}
	for n := range 10 {
		lines = append(lines, stepName(n)+" before")
		if sorts[n] == "" {
			lines = append(lines, stepName(n)+" begun", stepName(n)+" done")
		}
	}
	for _, how := range []string{"worker", "lease"} {
		for _, line := range lines {
			t.Run(how+" at "+line, func(t *testing.T) {
				r := setup(t)
				killed := false
				w := r.worker(func(ctx context.Context, _ *drayhorse.Job[order]) error {
					before := killed
					err := r.tenSteps(ctx, func(at string) {
						if at != line || killed {
							return
						}
						killed = true
						if how == "worker" {
							r.LoseWorker()
						} else {
							r.LoseLease()
						}
					})
					if killed && !before && err == nil && line != "end" {
						t.Error("a run that lost its lease went through all steps")
					}
					return err
				})
				id := r.enqueue()
				r.must(r.Producer.Signal(t.Context(), id, stepName(7), 1))
				outcomes := r.Work(w)
				for range 3 { // its sleep
					r.Advance(time.Second)
					outcomes = append(outcomes, r.Work(w)...)
				}
				if o := r.last(outcomes); o.State != drayhorse.Completed || o.Job.Attempt != 1 || !killed {
					t.Fatalf("outcomes %v", outcomes)
				}
				var want []string
				for n := range 10 {
					if sorts[n] != "" {
						continue
					}
					want = append(want, stepName(n))
					// What it has done, and is not kept, it does again.
					if line == stepName(n)+" done" || how == "lease" && line == stepName(n)+" begun" {
						want = append(want, stepName(n))
					}
				}
				r.want(want...)
			})
		}
	}
}

// TestADeploy that adds, drops and moves steps finds those that are done by their names.
func TestADeploy(t *testing.T) {
	r := setup(t)
	before := r.worker(func(ctx context.Context, _ *drayhorse.Job[order]) error {
		r.must(r.note(ctx, "a"))
		r.must(r.note(ctx, "b"))
		r.must(r.note(ctx, "c"))
		return step.Sleep(ctx, "nap", time.Hour)
	})
	after := r.worker(func(ctx context.Context, _ *drayhorse.Job[order]) error {
		r.must(r.note(ctx, "new"))
		r.must(r.note(ctx, "c"))
		r.must(r.note(ctx, "a"))
		return r.note(ctx, "d")
	})
	r.enqueue()
	r.Work(before)
	r.Advance(2 * time.Hour)
	if o := r.last(r.Work(after)); o.State != drayhorse.Completed {
		t.Errorf("outcome %v", o)
	}
	r.want("a", "b", "c", "new", "d")
}

// TestWhatIsRefused, each with an error that says why.
func TestWhatIsRefused(t *testing.T) {
	long := strings.Repeat("x", 256<<10)
	number := func(ctx context.Context, name string, v any) error {
		_, err := step.Run(ctx, name, func(context.Context) (any, error) { return v, nil })
		return err
	}
	for name, c := range map[string]struct {
		handler func(ctx context.Context, attempt int) error
		is      error
		says    string
	}{
		"twice": {func(ctx context.Context, _ int) error {
			return errors.Join(number(ctx, "a", 1), step.Sleep(ctx, "a", time.Hour))
		}, step.ErrName, `"a" comes twice in one run`},
		"another type": {func(ctx context.Context, attempt int) error {
			if attempt == 1 {
				return errors.Join(number(ctx, "a", 1), errors.New("again"))
			}
			return step.Sleep(ctx, "a", time.Hour)
		}, step.ErrName, `"a" is a sleep, and was a run`},
		"name": {func(ctx context.Context, _ int) error { return number(ctx, "a b", 1) }, drayhorse.ErrInvalid, `step "a b"; want 1-128 of`},
		"result": {func(ctx context.Context, _ int) error { return number(ctx, "a", long) },
			drayhorse.ErrInvalid, `step "a" has a result of 262146 bytes; at most 262144`},
		"no JSON": {func(ctx context.Context, _ int) error { return number(ctx, "a", make(chan int)) }, nil, `step "a": its result is no JSON`},
		"decoded": {func(ctx context.Context, attempt int) error {
			if attempt == 1 {
				return errors.Join(number(ctx, "a", "text"), errors.New("again"))
			}
			_, err := step.Run(ctx, "a", func(context.Context) (int, error) { return 1, nil })
			return err
		}, nil, `step "a": what is kept of it is no int: json:`},
		"bytes": {func(ctx context.Context, _ int) error {
			for n := range 17 {
				if err := number(ctx, fmt.Sprint("s", n), long[2:]); err != nil {
					return err
				}
			}
			return nil
		}, drayhorse.ErrInvalid, `beside 4194304; at most 4194304 are kept`},
		"number": {func(ctx context.Context, _ int) error {
			for n := range 1001 {
				if err := number(ctx, fmt.Sprint("s", n), n); err != nil {
					return err
				}
			}
			return nil
		}, drayhorse.ErrInvalid, `step "s1000"; the job has 1000 steps, which is the most`},
		"waits": {func(ctx context.Context, _ int) error {
			for n := range 65 {
				if _, err := step.WaitSignal[int](ctx, fmt.Sprint("s", n), 0); !errors.Is(err, step.ErrTimeout) {
					return err
				}
			}
			return nil
		}, drayhorse.ErrInvalid, `step "s64"; the job has waited for 64 signals, which is the most`},
	} {
		t.Run(name, func(t *testing.T) {
			r := setup(t)
			w := r.worker(func(ctx context.Context, job *drayhorse.Job[order]) error { return c.handler(ctx, job.Attempt) })
			r.enqueue(drayhorse.MaxAttempts(2))
			o := r.last(r.Work(w))
			if o.Err == nil || c.is != nil && !errors.Is(o.Err, c.is) || !strings.Contains(o.Err.Error(), c.says) {
				t.Errorf("outcome %v, want an error that says %s", o, c.says)
			}
		})
	}
	t.Run("outside of a job", func(t *testing.T) {
		t.Parallel()
		for _, err := range []error{number(t.Context(), "a", 1), step.Sleep(t.Context(), "a", 1), second(step.WaitSignal[int](t.Context(), "a", 1))} {
			if !errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(err.Error(), "outside of a job") {
				t.Errorf("error %v", err)
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }

// TestWhatSleepsDoesNotComplete, also if the handler takes no notice; and what else it returns
// counts.
func TestWhatSleepsDoesNotComplete(t *testing.T) {
	for name, c := range map[string]struct {
		returns error
		state   drayhorse.State
	}{
		"nil":     {nil, drayhorse.Scheduled},
		"discard": {drayhorse.Discard(errors.New("no")), drayhorse.Discarded},
		"cancel":  {drayhorse.Cancel(nil), drayhorse.Cancelled},
		"failure": {errors.New("it failed"), drayhorse.Discarded},
	} {
		t.Run(name, func(t *testing.T) {
			r := setup(t)
			w := r.worker(func(ctx context.Context, _ *drayhorse.Job[order]) error {
				_ = step.Sleep(ctx, "nap", time.Hour)
				if err := r.note(ctx, "after"); err == nil {
					t.Error("a step began while the job sleeps")
				}
				return c.returns
			})
			r.enqueue(drayhorse.MaxAttempts(1))
			if o := r.last(r.Work(w)); o.State != c.state {
				t.Errorf("outcome %v, want %v", o, c.state)
			}
			r.want()
		})
	}
}

// TestStepsInGoroutines: the job sleeps until the first of its waits ends.
func TestStepsInGoroutines(t *testing.T) {
	r := setup(t)
	both := func(ctx context.Context) error {
		errs := make([]error, 8)
		var all sync.WaitGroup
		begun := make(chan struct{})
		for n := range errs {
			all.Go(func() {
				if n > 1 {
					errs[n] = r.note(ctx, fmt.Sprint("s", n))
					return
				}
				<-begun
				_, errs[n] = step.WaitSignal[int](ctx, fmt.Sprint("s", n), time.Duration(n+1)*time.Hour)
			})
		}
		close(begun)
		all.Wait()
		return errors.Join(errs...)
	}
	w := r.worker(func(ctx context.Context, _ *drayhorse.Job[order]) error { return both(ctx) })
	id := r.enqueue()
	r.Work(w)
	r.must(r.Producer.Signal(t.Context(), id, "s1", 1))
	for range 10 { // some began when others had them sleep
		r.Work(w)
		r.Advance(time.Minute)
	}
	r.must(r.Producer.Signal(t.Context(), id, "s0", 1))
	for range 10 {
		r.Work(w)
		r.Advance(time.Minute)
	}
	info, err := r.Producer.Get(t.Context(), id)
	r.must(err)
	slices.Sort(r.done)
	r.want("s2", "s3", "s4", "s5", "s6", "s7")
	if info.State != drayhorse.Completed {
		t.Errorf("it is %v", info.State)
	}
}
