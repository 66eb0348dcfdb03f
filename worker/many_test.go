package worker_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/step"
	"github.com/drayhorse/drayhorse/worker"
)

// never is longer than the tests run: a call that begins was full.
const never = time.Minute

// calls notes what a handler of many got.
type calls struct {
	mu  sync.Mutex
	all [][]string // IDs of the jobs of each call
}

func (c *calls) note(jobs []*rawJob) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var ids []string
	for _, j := range jobs {
		ids = append(ids, j.ID)
	}
	c.all = append(c.all, ids)
}

func (c *calls) made() [][]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all
}

// TestManyJobsInOneCall: as many as one call may get, and each job once.
func TestManyJobsInOneCall(t *testing.T) {
	r := setup(t)
	var got calls
	var wrapped atomic.Int64
	r.worker.Use(func(next worker.Handler) worker.Handler {
		return func(ctx context.Context, job *rawJob) error {
			wrapped.Add(1)
			return next(ctx, job)
		}
	})
	worker.HandleManyOfKind(r.worker, "row", func(_ context.Context, jobs []*rawJob) []error {
		got.note(jobs)
		return nil
	}, worker.UpTo(5), worker.Linger(never))
	r.start()
	ids := r.enqueueN(500, "row", keep)
	r.allBecome(ids, drayhorse.Completed, time.Minute)
	seen := map[string]int{}
	for _, call := range got.made() {
		if len(call) != 5 {
			t.Errorf("a call of %d jobs; want 5", len(call))
		}
		for _, id := range call {
			seen[id]++
		}
	}
	for _, id := range ids {
		if seen[id] != 1 {
			t.Errorf("job %s was in %d calls; want 1", id, seen[id])
		}
	}
	if n := wrapped.Load(); n != 500 {
		t.Errorf("middleware was called %d times; want once for each job", n)
	}
}

// TestACallWaitsForNoMoreThanThereAreSlots, nor longer than it lingers.
func TestACallWaitsForNoMoreThanThereAreSlots(t *testing.T) {
	r := setup(t, func(c *worker.Config) { c.Concurrency = 3 })
	var got calls
	note := func(_ context.Context, jobs []*rawJob) []error {
		got.note(jobs)
		return nil
	}
	worker.HandleManyOfKind(r.worker, "slots", note, worker.UpTo(100), worker.Linger(never))
	worker.HandleManyOfKind(r.worker, "linger", note, worker.UpTo(3), worker.Linger(time.Millisecond))
	r.start()
	r.allBecome(r.enqueueN(3, "slots", keep), drayhorse.Completed, time.Minute)
	if calls := got.made(); len(calls) != 1 || len(calls[0]) != 3 {
		t.Errorf("calls %q; want one of three jobs", calls)
	}
	r.becomes(r.enqueue("linger", keep).ID, drayhorse.Completed)
}

// TestEachOfManyEndsAsItsErrorSays, with a result of its own.
func TestEachOfManyEndsAsItsErrorSays(t *testing.T) {
	r := setup(t)
	boom := errors.New("row 1 is locked")
	worker.HandleManyOfKind(r.worker, "row", func(_ context.Context, jobs []*rawJob) []error {
		errs := make([]error, len(jobs))
		for i, j := range jobs {
			_ = j.SetResult(j.ID)
			switch j.ID {
			case "fails":
				errs[i] = boom
			case "discarded":
				errs[i] = drayhorse.Discard(boom)
			case "cancelled":
				errs[i] = drayhorse.Cancel(boom)
			case "snoozed":
				errs[i] = drayhorse.Snooze(time.Hour)
			}
		}
		return errs
	}, worker.UpTo(5), worker.Linger(never), worker.Retry(worker.Constant(time.Hour)))
	r.start()
	want := map[string]drayhorse.State{
		"completes": drayhorse.Completed, "fails": drayhorse.Retryable, "discarded": drayhorse.Discarded,
		"cancelled": drayhorse.Cancelled, "snoozed": drayhorse.Scheduled,
	}
	for id := range want {
		r.enqueue("row", drayhorse.ID(id), keep)
	}
	for id, state := range want {
		info := r.becomes(id, state, time.Minute)
		if failed := id != "completes" && id != "snoozed"; failed != (len(info.Errors) == 1 && strings.Contains(info.Errors[0].Message, boom.Error())) {
			t.Errorf("%s: errors %+v", id, info.Errors)
		}
	}
	if got := string(r.get("completes").Result); got != `"completes"` {
		t.Errorf("result %s; want its own", got)
	}
}

// TestACallThatFailsFailsAllItsJobs: none is taken for completed.
func TestACallThatFailsFailsAllItsJobs(t *testing.T) {
	for what, test := range map[string]struct {
		handler func(ctx context.Context) []error
		want    string
	}{
		"errors": {func(context.Context) []error { return []error{nil} }, `invalid: the handler of kind "row" returned 1 errors for 3 jobs; want nil or one for each`},
		"none":   {func(context.Context) []error { return []error{} }, "returned 0 errors for 3 jobs"},
		"panic":  {func(context.Context) []error { panic("no table") }, "panic: no table"},
		"exit":   {func(context.Context) []error { runtime.Goexit(); return nil }, "handler ended its goroutine"},
		"steps": {func(ctx context.Context) []error {
			_, err := step.Run(ctx, "one", func(context.Context) (int, error) { return 1, nil })
			return []error{err, err, err}
		}, "step"},
	} {
		t.Run(what, func(t *testing.T) {
			r := setup(t)
			worker.HandleManyOfKind(r.worker, "row", func(ctx context.Context, _ []*rawJob) []error { return test.handler(ctx) },
				worker.UpTo(3), worker.Linger(never), worker.Retry(worker.Constant(time.Hour)))
			r.start()
			for i := range 3 {
				r.enqueue("row", drayhorse.ID(fmt.Sprint(i)))
			}
			for i := range 3 {
				info := r.becomes(fmt.Sprint(i), drayhorse.Retryable, time.Minute)
				if len(info.Errors) != 1 || !strings.Contains(info.Errors[0].Message, test.want) {
					t.Errorf("job %d: errors %+v; want %q", i, info.Errors, test.want)
				}
				if what == "panic" && !strings.Contains(info.Errors[0].Stack, "many_test.go") {
					t.Errorf("stack %q; want where it panicked", info.Errors[0].Stack)
				}
			}
		})
	}
}

// TestACancelledJobLeavesTheCall while it gathers, whether it was the first or not, and the
// others go on without it.
func TestACancelledJobLeavesTheCall(t *testing.T) {
	for _, cancelled := range []string{"first", "second"} {
		t.Run(cancelled, func(t *testing.T) {
			r := setup(t)
			var got calls
			gathering := make(chan string, 3)
			r.worker.Use(func(next worker.Handler) worker.Handler {
				return func(ctx context.Context, job *rawJob) error {
					gathering <- job.ID
					return next(ctx, job)
				}
			})
			worker.HandleManyOfKind(r.worker, "row", func(_ context.Context, jobs []*rawJob) []error {
				got.note(jobs)
				return nil
			}, worker.UpTo(3), worker.Linger(never))
			r.start()
			for _, id := range []string{"first", "second"} {
				r.enqueue("row", drayhorse.ID(id), keep)
				<-gathering
			}
			if err := r.producer.Cancel(t.Context(), cancelled); err != nil {
				t.Fatal(err)
			}
			r.becomes(cancelled, drayhorse.Cancelled, time.Minute)
			if cancelled == "first" { // which had begun the wait, so the other one goes
				r.becomes("second", drayhorse.Completed, 2*never)
			} else {
				r.allBecome(r.enqueueN(2, "row", keep), drayhorse.Completed, 2*never)
			}
			for _, call := range got.made() {
				if strings.Contains(strings.Join(call, " "), cancelled) {
					t.Errorf("call %q has the cancelled job", call)
				}
			}
		})
	}
}

// TestTheContextOfManyEndsWithTheLast of their contexts, with its cause.
func TestTheContextOfManyEndsWithTheLast(t *testing.T) {
	r := setup(t)
	begun, alive, ended := make(chan struct{}), make(chan error, 1), make(chan error, 1)
	one := make(chan struct{})
	var own sync.Map // contexts of the jobs, by ID
	r.worker.Use(func(next worker.Handler) worker.Handler {
		return func(ctx context.Context, job *rawJob) error {
			own.Store(job.ID, ctx)
			return next(ctx, job)
		}
	})
	worker.HandleManyOfKind(r.worker, "row", func(ctx context.Context, jobs []*rawJob) []error {
		close(begun)
		<-one
		alive <- ctx.Err()
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return make([]error, len(jobs))
	}, worker.UpTo(2), worker.Linger(never))
	r.start()
	for _, id := range []string{"a", "b"} {
		r.enqueue("row", drayhorse.ID(id), drayhorse.Timeout(time.Hour))
	}
	<-begun
	cancel := func(id string) {
		if err := r.producer.Cancel(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		ctx, _ := own.Load(id)
		<-ctx.(context.Context).Done()
	}
	cancel("a")
	close(one)
	if err := <-alive; err != nil {
		t.Errorf("the context ended with the first job: %v", err)
	}
	cancel("b")
	if err := <-ended; !errors.Is(err, drayhorse.ErrCancelled) {
		t.Errorf("the cause is %v; want %v", err, drayhorse.ErrCancelled)
	}
}

func TestImpossibleHandlersOfMany(t *testing.T) {
	t.Parallel()
	w, err := worker.New(worker.Config{RedisURL: "redis://127.0.0.1:1/0"})
	if err != nil {
		t.Fatal(err)
	}
	one := func(context.Context, *rawJob) error { return nil }
	many := func(context.Context, []*rawJob) []error { return nil }
	for want, register := range map[string]func(){
		`the handler of kind "a" is nil`: func() { worker.HandleManyOfKind[int](w, "a", nil) },
		"UpTo(0): want 1 to 10000":       func() { worker.HandleManyOfKind(w, "a", many, worker.UpTo(0)) },
		"Linger(0s): want more than 0":   func() { worker.HandleManyOfKind(w, "a", many, worker.Linger(0)) },
		"Linger(1h0m0s): want more than": func() { worker.HandleManyOfKind(w, "a", many, worker.Linger(time.Hour)) },
		"gets one job a call":            func() { worker.HandleKind(w, "a", one, worker.UpTo(3)) },
		"are for HandleMany":             func() { worker.HandleKind(w, "a", one, worker.Linger(time.Second)) },
	} {
		func() {
			defer func() {
				if text := fmt.Sprint(recover()); !strings.Contains(text, want) {
					t.Errorf("panic %q; want %q", text, want)
				}
			}()
			register()
		}()
	}
	worker.HandleManyOfKind(w, "a", many)
}

// TestManyUnderFaults: with handlers that fail at random, each job still completes once it
// was in a call that said so.
func TestManyUnderFaults(t *testing.T) {
	r := setup(t)
	var mu sync.Mutex
	completed := map[string]int{}
	n := 0
	for _, w := range []*worker.Worker{r.worker, r.newWorker()} {
		worker.HandleManyOfKind(w, "row", func(_ context.Context, jobs []*rawJob) []error {
			mu.Lock()
			defer mu.Unlock()
			if n++; n%7 == 0 {
				panic("now and then")
			}
			errs := make([]error, len(jobs))
			for i, j := range jobs {
				if (n+i)%5 == 0 {
					errs[i] = errors.New("not this one")
				} else {
					completed[j.ID]++
				}
			}
			return errs
		}, worker.UpTo(10), worker.Linger(time.Millisecond))
		run(t, w)
	}
	ids := r.enqueueN(1000, "row", keep, drayhorse.MaxAttempts(100))
	r.allBecome(ids, drayhorse.Completed, 2*time.Minute)
	mu.Lock()
	defer mu.Unlock()
	for _, id := range ids {
		if completed[id] != 1 {
			t.Errorf("job %s completed %d times", id, completed[id])
		}
	}
}
