package worker_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/worker"
)

type welcome struct {
	UserID int64 `json:"user_id"`
}

func (welcome) Kind() string { return "welcome" }

type pointed struct{ N int }

func (*pointed) Kind() string { return "pointed" }

func TestHandlerGetsItsJob(t *testing.T) {
	r := setup(t)
	got := make(chan drayhorse.Job[welcome], 1)
	worker.Handle(r.worker, func(_ context.Context, job *drayhorse.Job[welcome]) error {
		got <- *job
		return job.SetResult(map[string]int{"sent": 1})
	})
	r.start()
	before := time.Now().Add(-time.Millisecond)
	info, err := r.producer.Enqueue(t.Context(), welcome{UserID: 42}, drayhorse.Queue("default"), drayhorse.MaxAttempts(5), keep)
	if err != nil {
		t.Fatal(err)
	}
	job := <-got
	if job.ID != info.ID || job.Kind != "welcome" || job.Args.UserID != 42 || job.Attempt != 1 || job.MaxAttempts != 5 ||
		job.Queue != "default" || job.EnqueuedAt.Before(before) || !job.Tick.IsZero() {
		t.Errorf("job = %+v", job)
	}
	done := r.becomes(info.ID, drayhorse.Completed)
	if string(done.Result) != `{"sent":1}` || done.Attempt != 1 || len(done.Errors) != 0 {
		t.Errorf("info = %+v, want its result", done)
	}
}

func TestHandlerOfAPointerType(t *testing.T) {
	r := setup(t)
	got := make(chan int, 1)
	worker.Handle(r.worker, func(_ context.Context, job *drayhorse.Job[*pointed]) error {
		got <- job.Args.N
		return nil
	})
	r.start()
	if _, err := r.producer.Enqueue(t.Context(), &pointed{N: 7}); err != nil {
		t.Fatal(err)
	}
	if n := <-got; n != 7 {
		t.Errorf("N = %d", n)
	}
}

// TestOutcomes holds what a handler returns against what becomes of the job.
func TestOutcomes(t *testing.T) {
	boom := errors.New("boom")
	tests := []struct {
		name    string
		returns func(job *rawJob) error
		state   drayhorse.State
		attempt int
		errors  []string
	}{
		{"nil completes", func(*rawJob) error { return nil }, drayhorse.Completed, 1, nil},
		{"an error retries until attempts are out", func(*rawJob) error { return boom }, drayhorse.Discarded, 3, []string{"boom", "boom", "boom"}},
		{"it may succeed later", func(j *rawJob) error {
			if j.Attempt < 3 {
				return boom
			}
			return nil
		}, drayhorse.Completed, 3, []string{"boom", "boom"}},
		{"Discard ends it", func(*rawJob) error { return drayhorse.Discard(boom) }, drayhorse.Discarded, 1, []string{"boom"}},
		{"Cancel ends it", func(*rawJob) error { return drayhorse.Cancel(boom) }, drayhorse.Cancelled, 1, []string{"boom"}},
		{"a wrapped steer counts", func(*rawJob) error { return errors.Join(errors.New("saw"), drayhorse.Discard(boom)) }, drayhorse.Discarded, 1, []string{"saw\nboom"}},
		{"RetryAfter consumes attempts", func(*rawJob) error { return drayhorse.RetryAfter(0, boom) }, drayhorse.Discarded, 3, []string{"boom", "boom", "boom"}},
		{"a panic is an error", func(*rawJob) error { panic("oh") }, drayhorse.Discarded, 3, []string{"panic: oh", "panic: oh", "panic: oh"}},
		{"Goexit is an error", func(*rawJob) error { runtime.Goexit(); return nil }, drayhorse.Discarded, 3, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := setup(t)
			r.handle("test", func(_ context.Context, job *rawJob) error { return test.returns(job) }).start()
			id := r.enqueue("test", keep, drayhorse.MaxAttempts(3)).ID
			info := r.becomes(id, test.state)
			if info.Attempt != test.attempt {
				t.Errorf("attempt = %d, want %d", info.Attempt, test.attempt)
			}
			var messages []string
			for _, e := range info.Errors {
				messages = append(messages, e.Message)
			}
			if test.errors != nil && !slices.Equal(messages, test.errors) {
				t.Errorf("errors = %q, want %q", messages, test.errors)
			}
			if strings.HasPrefix(test.name, "a panic") && !strings.Contains(info.Errors[0].Stack, "handler_test.go") {
				t.Errorf("stack = %q, want where it panicked", info.Errors[0].Stack)
			}
		})
	}
}

func TestSnoozeConsumesNoAttempt(t *testing.T) {
	r := setup(t)
	runs := make(chan int, 10)
	r.handle("test", func(_ context.Context, job *rawJob) error {
		runs <- job.Attempt
		if len(runs) < 3 {
			return drayhorse.Snooze(time.Millisecond)
		}
		return nil
	}).start()
	id := r.enqueue("test", keep, drayhorse.MaxAttempts(1)).ID
	info := r.becomes(id, drayhorse.Completed)
	if info.Attempt != 1 || len(runs) != 3 || len(info.Errors) != 0 {
		t.Errorf("info = %+v after %d runs, want 3 runs of one attempt", info, len(runs))
	}
}

func TestArgumentsThatDoNotFitFailTheAttempt(t *testing.T) {
	r := setup(t)
	worker.Handle(r.worker, func(context.Context, *drayhorse.Job[welcome]) error { return nil })
	r.start()
	info, err := r.producer.EnqueueRaw(t.Context(), "welcome", json.RawMessage(`{"user_id":"x"}`), drayhorse.MaxAttempts(2))
	if err != nil {
		t.Fatal(err)
	}
	got := r.becomes(info.ID, drayhorse.Discarded)
	if len(got.Errors) != 2 || !strings.Contains(got.Errors[0].Message, "user_id") {
		t.Errorf("errors = %+v, want two, with the field's name", got.Errors)
	}
}

func TestMiddlewareWrapsInOrder(t *testing.T) {
	r := setup(t)
	var mu sync.Mutex
	var calls []string
	mark := func(name string) worker.Middleware {
		return func(next worker.Handler) worker.Handler {
			return func(ctx context.Context, job *rawJob) error {
				mu.Lock()
				calls = append(calls, name)
				mu.Unlock()
				return next(ctx, job)
			}
		}
	}
	r.worker.Use(mark("outer"), mark("inner"))
	r.handle("test", func(context.Context, *rawJob) error {
		mu.Lock()
		defer mu.Unlock()
		calls = append(calls, "handler")
		return nil
	}).start()
	r.becomes(r.enqueue("test", keep).ID, drayhorse.Completed)
	if want := []string{"outer", "inner", "handler"}; !slices.Equal(calls, want) {
		t.Errorf("calls = %v, want %v", calls, want)
	}
}

func TestKindWithoutHandlerWaitsForAWorkerThatHasOne(t *testing.T) {
	r := setup(t)
	r.handle("mine", func(context.Context, *rawJob) error { return nil }).start()
	other := r.enqueue("other", keep, drayhorse.MaxAttempts(1)).ID
	mine := r.enqueue("mine", keep).ID
	r.becomes(mine, drayhorse.Completed)
	if info := r.get(other); info.State != drayhorse.Available || info.Attempt != 1 {
		t.Errorf("info = %+v, want it to wait untouched", info)
	}
	second := r.newWorker()
	worker.HandleKind(second, "other", func(context.Context, *rawJob) error { return nil })
	run(t, second)
	if info := r.becomes(other, drayhorse.Completed); info.Attempt != 1 {
		t.Errorf("attempt = %d, want 1", info.Attempt)
	}
}

func TestHandleRestServesWhatNobodyElseDoes(t *testing.T) {
	r := setup(t)
	kinds := make(chan string, 2)
	r.handle("mine", func(context.Context, *rawJob) error { kinds <- "own"; return nil })
	worker.HandleRest(r.worker, func(_ context.Context, job *rawJob) error { kinds <- job.Kind; return nil })
	r.start()
	r.becomes(r.enqueue("mine", keep).ID, drayhorse.Completed)
	r.becomes(r.enqueue("stray", keep).ID, drayhorse.Completed)
	if a, b := <-kinds, <-kinds; a != "own" || b != "stray" {
		t.Errorf("handled by %s, %s", a, b)
	}
}

func TestCausesOfAContextsEnd(t *testing.T) {
	tests := []struct {
		name  string
		cause error
		state drayhorse.State
		do    func(r *rig, id string)
		opts  []drayhorse.Option
	}{
		{"timeout", context.DeadlineExceeded, drayhorse.Discarded, func(*rig, string) {}, []drayhorse.Option{drayhorse.Timeout(20 * time.Millisecond)}},
		{"cancel", drayhorse.ErrCancelled, drayhorse.Cancelled, func(r *rig, id string) {
			if err := r.producer.Cancel(r.Context(), id); err != nil {
				r.Error(err)
			}
		}, nil},
		{"stop", drayhorse.ErrStopping, drayhorse.Available, func(r *rig, _ string) { r.stop() }, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := setup(t, func(c *worker.Config) { c.ShutdownTimeout = -1 })
			running, causes := make(chan struct{}), make(chan error, 1)
			r.handle("test", func(ctx context.Context, _ *rawJob) error {
				close(running)
				<-ctx.Done()
				causes <- context.Cause(ctx)
				return ctx.Err()
			}).start()
			id := r.enqueue("test", append(test.opts, drayhorse.MaxAttempts(1))...).ID
			<-running
			test.do(r, id)
			if cause := <-causes; !errors.Is(cause, test.cause) {
				t.Errorf("cause = %v, want %v", cause, test.cause)
			}
			info := r.becomes(id, test.state)
			if test.state == drayhorse.Available && (info.Attempt != 1 || len(info.Errors) != 0) {
				t.Errorf("info = %+v, want no attempt consumed", info)
			}
		})
	}
}

func TestCancelledHandlerThatSucceedsIsCompleted(t *testing.T) {
	r := setup(t)
	running := make(chan struct{})
	r.handle("test", func(ctx context.Context, _ *rawJob) error {
		close(running)
		<-ctx.Done()
		return nil
	}).start()
	id := r.enqueue("test", keep).ID
	<-running
	if err := r.producer.Cancel(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	r.becomes(id, drayhorse.Completed)
}

func TestWeightsAndStrictOrder(t *testing.T) {
	for _, strict := range []bool{false, true} {
		t.Run(map[bool]string{false: "weighted", true: "strict"}[strict], func(t *testing.T) {
			r := setup(t, func(c *worker.Config) {
				c.Queues = map[string]int{"heavy": 9, "light": 1}
				c.StrictOrder, c.Concurrency = strict, 1
			})
			const n = 600
			for range n {
				r.enqueue("test", drayhorse.Queue("light"))
				r.enqueue("test", drayhorse.Queue("heavy"))
			}
			order := make(chan string, 2*n)
			// A choice is made for an eighth of what ends in some round trips: where jobs take no time that is many, and
			// a few choices are all light or all heavy now and then.
			r.handle("test", func(_ context.Context, job *rawJob) error {
				time.Sleep(time.Millisecond)
				order <- job.Queue
				return nil
			}).start()
			light := 0
			for range n {
				if <-order == "light" {
					light++
				}
			}
			if strict && light > n/40 { // the first claims may come before the first look at heavy
				t.Errorf("%d of the first %d jobs were light, want them last", light, n)
			}
			if !strict && (light < n/50 || light > n/3) {
				t.Errorf("%d of the first %d jobs were light, want about a tenth", light, n)
			}
		})
	}
}

func TestRegistrationPanicsOnMistakes(t *testing.T) {
	r := setup(t)
	h := func(context.Context, *rawJob) error { return nil }
	r.handle("taken", h)
	for name, register := range map[string]func(){
		"twice":    func() { worker.HandleKind(r.worker, "taken", h) },
		"bad name": func() { worker.HandleKind(r.worker, "no good", h) },
		"nil":      func() { worker.HandleKind[json.RawMessage](r.worker, "nil", nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			register()
		}()
	}
}

// TestAFetcherTakesTheBellsOver: a listener waits at them while a job runs. Once the worker
// is idle again the fetcher waits there alone, so that the next job is claimed in the same
// round trip.
func TestAFetcherTakesTheBellsOver(t *testing.T) {
	r := setup(t)
	ran := make(chan struct{}, 1)
	r.handle("test", func(context.Context, *rawJob) error { ran <- struct{}{}; return nil }).start()
	waitsAlone := func() bool {
		r.enqueue("test")
		<-ran
		looks := 0
		for range 100 {
			if !r.worker.WaitsInOneTrip() {
				looks = 0 // that was a moment in between
			} else if looks++; looks == 20 {
				return true
			}
			time.Sleep(5 * time.Millisecond)
		}
		return false
	}
	redistest.Eventually(t, 2*time.Minute, "after one job as after another the fetcher waits alone", func() bool {
		return waitsAlone() && waitsAlone() && waitsAlone() // once may be because a listener's wait was over
	})
}

// TestIdleWorkerIsWokenByTheBell tells bells from looks: jobs that a look finds, one
// after the other, wait a second or two each. On a busy machine some take as long with
// a bell, but not most of them. How soon a bell wakes is measured in bench.
func TestIdleWorkerIsWokenByTheBell(t *testing.T) {
	for _, queues := range []int{1, 10, 2 * worker.BellsTogether} { // attended, one listener, two
		t.Run(fmt.Sprint(queues), func(t *testing.T) {
			name := func(half, i int) string { return fmt.Sprintf("q%d", half*(queues/2)+i%max(1, queues/2)) }
			r := setup(t, func(c *worker.Config) {
				c.Queues = map[string]int{}
				for i := range queues { // the first listener has the heavier half
					c.Queues[name(0, i)] = 2
					c.Queues[name(1, i)] = 1
				}
			})
			ran := make(chan time.Time, 1)
			r.handle("test", func(context.Context, *rawJob) error { ran <- time.Now(); return nil }).start()
			redistest.Eventually(t, 10*time.Second, "the worker is ready", func() bool { return r.worker.Ready() == nil })
			all := make([]drayhorse.Spec, queues)
			for i := range all {
				all[i] = drayhorse.Spec{Args: drayhorse.Raw("test", nil), Options: []drayhorse.Option{drayhorse.Queue(fmt.Sprint("q", i))}}
			}
			if _, err := r.producer.EnqueueMany(t.Context(), all); err != nil {
				t.Fatal(err)
			}
			for range all { // leaves bells behind that nobody has heard
				<-ran
			}
			for half := range 2 {
				const n = 50
				var slow int
				for i := range n { // each finds the worker idle
					begun := time.Now()
					r.enqueue("test", drayhorse.Queue(name(half, 7*i)))
					if (<-ran).Sub(begun) > 500*time.Millisecond {
						slow++
					}
					if slow > n/2 {
						t.Fatalf("%d of %d jobs on an idle worker took over 500 ms: the bell is not heard", slow, i+1)
					}
				}
				t.Logf("%d of %d jobs took over 500 ms", slow, n)
			}
		})
	}
}
