package drayhorsetest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/drayhorsetest"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/scheduler"
	"github.com/drayhorse/drayhorse/worker"
)

// TestMain fails if the tests leave a goroutine.
func TestMain(m *testing.M) {
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

type welcome struct {
	UserID int64  `json:"user_id"`
	Plan   string `json:"plan,omitempty"`
}

func (welcome) Kind() string { return "welcome" }

type nightly struct{}

func (nightly) Kind() string { return "nightly" }

// newWorker makes a worker of an Env whose failed jobs wait a minute.
func newWorker(t *testing.T, env *drayhorsetest.Env, change ...func(*worker.Config)) *worker.Worker {
	t.Helper()
	cfg := worker.Config{RedisURL: env.URL, Retry: worker.Constant(time.Minute)}
	for _, c := range change {
		c(&cfg)
	}
	w, err := worker.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func enqueue(t *testing.T, env *drayhorsetest.Env, args drayhorse.Args, options ...drayhorse.Option) *drayhorse.Info {
	t.Helper()
	info, err := env.Producer.Enqueue(t.Context(), args, options...)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func states(outcomes []drayhorsetest.Outcome) (all []drayhorse.State) {
	for _, o := range outcomes {
		all = append(all, o.State)
	}
	return all
}

func TestJobsWaitForTheirTime(t *testing.T) {
	t.Parallel()
	env := drayhorsetest.New(t)
	w := newWorker(t, env)
	worker.Handle(w, func(_ context.Context, job *drayhorse.Job[welcome]) error { return job.SetResult(job.Args.UserID * 2) })
	begin := env.Now()
	info := enqueue(t, env, welcome{UserID: 21}, drayhorse.In(time.Hour), drayhorse.Retain(24*time.Hour))
	if !info.EnqueuedAt.Equal(begin) || !info.DueAt.Equal(begin.Add(time.Hour)) {
		t.Errorf("enqueued at %v for %v, want %v and an hour later", info.EnqueuedAt, info.DueAt, begin)
	}
	if got := env.Work(w); len(got) != 0 {
		t.Errorf("before its time: %v", got)
	}
	env.Advance(time.Hour - time.Millisecond)
	if got := env.Work(w); len(got) != 0 {
		t.Errorf("a millisecond before its time: %v", got)
	}
	env.Advance(time.Millisecond)
	got := env.Work(w)
	if len(got) != 1 || got[0].State != drayhorse.Completed || string(got[0].Result) != "42" || got[0].Err != nil || got[0].Job.ID != info.ID {
		t.Fatalf("at its time: %v", got)
	}
	ended, err := env.Producer.Get(t.Context(), info.ID)
	if err != nil || !ended.FinishedAt.Equal(begin.Add(time.Hour)) {
		t.Errorf("ended: %+v, %v", ended, err)
	}
	env.Advance(24 * time.Hour)
	if kept, err := env.Producer.Get(t.Context(), info.ID); !errors.Is(err, drayhorse.ErrNotFound) {
		t.Errorf("when its time is over: %+v, %v", kept, err)
	}
}

func TestRetriesUntilDiscarded(t *testing.T) {
	t.Parallel()
	env := drayhorsetest.New(t)
	w := newWorker(t, env)
	errDown := errors.New("smtp is down")
	worker.Handle(w, func(context.Context, *drayhorse.Job[welcome]) error { return errDown })
	enqueue(t, env, welcome{}, drayhorse.MaxAttempts(3))
	got := env.Work(w)
	if len(got) != 1 || got[0].State != drayhorse.Retryable || !errors.Is(got[0].Err, errDown) || !got[0].DueAt.Equal(env.Now().Add(time.Minute)) {
		t.Fatalf("first attempt: %v", got)
	}
	got = env.WorkFor(time.Hour, w)
	if want := []drayhorse.State{drayhorse.Retryable, drayhorse.Discarded}; !slices.Equal(states(got), want) {
		t.Fatalf("an hour later: %v", got)
	}
	info, err := env.Producer.Get(t.Context(), got[1].Job.ID)
	if err != nil || len(info.Errors) != 3 || !info.Errors[2].At.Equal(info.FinishedAt) {
		t.Errorf("dead letter: %+v, %v", info, err)
	}
}

func TestWhatHandlersAskFor(t *testing.T) {
	t.Parallel()
	env := drayhorsetest.New(t)
	w := newWorker(t, env)
	errBad := errors.New("bad")
	say := map[int64]error{
		1: drayhorse.Cancel(errBad), 2: drayhorse.Discard(errBad), 3: drayhorse.RetryAfter(time.Hour, errBad), 4: drayhorse.Snooze(2 * time.Hour),
	}
	worker.Handle(w, func(_ context.Context, job *drayhorse.Job[welcome]) error {
		if job.Args.UserID == 5 {
			panic("ouch")
		}
		return say[job.Args.UserID]
	})
	for id := range int64(5) {
		enqueue(t, env, welcome{UserID: id + 1})
	}
	enqueue(t, env, nightly{})
	got := env.Work(w)
	want := []drayhorse.State{drayhorse.Cancelled, drayhorse.Discarded, drayhorse.Retryable, drayhorse.Scheduled, drayhorse.Retryable, drayhorse.Available}
	if !slices.Equal(states(got), want) {
		t.Fatalf("outcomes: %v", got)
	}
	if got[4].Err == nil || got[4].Err.Error() != "panic: ouch" {
		t.Errorf("a panic is %v", got[4].Err)
	}
	if wait := got[3].DueAt.Sub(env.Now()); wait != 2*time.Hour {
		t.Errorf("snoozed for %v", wait)
	}
	if got[5].Job.Kind != "nightly" {
		t.Errorf("a kind that nobody serves: %v", got[5])
	}
}

// TestWeekOfNights runs a week of a nightly schedule whose jobs fail at first.
func TestWeekOfNights(t *testing.T) {
	t.Parallel()
	begun := time.Now()
	env := drayhorsetest.New(t, drayhorsetest.StartAt(time.Date(2027, 3, 24, 12, 0, 0, 0, time.UTC)))
	s, err := scheduler.New(scheduler.Config{RedisURL: env.URL})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Add(scheduler.Schedule{ID: "nightly", Cron: "0 3 * * *", Timezone: "Europe/Paris", Args: nightly{}})
	if err != nil {
		t.Fatal(err)
	}
	env.Schedule(s)
	w := newWorker(t, env)
	var done []string
	worker.Handle(w, func(_ context.Context, job *drayhorse.Job[nightly]) error {
		if job.Attempt < 3 {
			return errors.New("not yet")
		}
		done = append(done, env.Now().Format("02 15:04")+" "+job.Tick.UTC().Format("15:04"))
		return nil
	})
	outcomes := env.WorkFor(7*24*time.Hour, w)
	// The clocks of Paris are put forward on the 28th.
	want := []string{"25 02:02 02:00", "26 02:02 02:00", "27 02:02 02:00", "28 01:02 01:00", "29 01:02 01:00", "30 01:02 01:00", "31 01:02 01:00"}
	if !slices.Equal(done, want) || len(outcomes) != 21 {
		t.Errorf("%d runs; done at %q, want %q", len(outcomes), done, want)
	}
	t.Logf("a week took %v", time.Since(begun))
}

func TestAdvanceEnqueuesTicks(t *testing.T) {
	t.Parallel()
	env := drayhorsetest.New(t, drayhorsetest.StartAt(time.Unix(0, 0)))
	s, err := scheduler.New(scheduler.Config{RedisURL: env.URL})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Add(scheduler.Schedule{ID: "often", Every: time.Hour, Args: nightly{}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Add(scheduler.Schedule{ID: "one", Every: time.Hour, Args: welcome{}, Overlap: scheduler.OverlapQueue}); err != nil {
		t.Fatal(err)
	}
	env.Schedule(s)
	env.Advance(3 * time.Hour)
	page, err := env.Admin.Jobs(t.Context(), adminAll)
	if err != nil || len(page.Jobs) != 4 {
		t.Fatalf("after three ticks of both: %d jobs, %v; want 3 of one and 1 of the other", len(page.Jobs), err)
	}
	w := newWorker(t, env)
	worker.HandleRest(w, func(context.Context, *rawJob) error { return nil })
	if got := env.Work(w); len(got) != 5 {
		t.Errorf("work: %v; want 5, one of which has waited for another to end", got)
	}
}

func TestManyAtOnce(t *testing.T) {
	for n := range 200 {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			env := drayhorsetest.New(t)
			w := newWorker(t, env)
			worker.Handle(w, func(context.Context, *drayhorse.Job[welcome]) error { return nil })
			enqueue(t, env, welcome{UserID: int64(n)}, drayhorse.In(time.Minute))
			env.Advance(time.Minute)
			got := env.Work(w)
			if len(got) != 1 || string(got[0].Job.Args) != fmt.Sprintf(`{"user_id":%d}`, n) {
				t.Errorf("outcomes: %v", got)
			}
		})
	}
}

// TestApplicationsOwnClient has a worker that is made with a client of Redis, and one with
// a namespace.
func TestApplicationsOwnClient(t *testing.T) {
	t.Parallel()
	env := drayhorsetest.New(t, drayhorsetest.Namespace("shop"))
	opts, err := redis.ParseURL(env.URL)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(opts)
	defer client.Close()
	w := newWorker(t, env, func(c *worker.Config) { c.RedisURL, c.Redis, c.Namespace = "", client, "shop" })
	worker.Handle(w, func(context.Context, *drayhorse.Job[welcome]) error { return nil })
	enqueue(t, env, welcome{UserID: 1})
	drayhorsetest.RequireEnqueued(t, env, welcome{UserID: 1})
	if got := env.Work(w); len(got) != 1 {
		t.Errorf("outcomes %v", got)
	}
}

// TestApplicationsOwnProducer has the time of an application's own producer follow.
func TestApplicationsOwnProducer(t *testing.T) {
	t.Parallel()
	env := drayhorsetest.New(t)
	p, err := producer.New(producer.Config{RedisURL: env.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	env.Advance(1000 * time.Hour)
	info, err := p.Enqueue(t.Context(), welcome{})
	if err != nil || !info.EnqueuedAt.Equal(env.Now()) {
		t.Errorf("enqueued at %v, %v; want %v", info.EnqueuedAt, err, env.Now())
	}
}
