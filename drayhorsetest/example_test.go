package drayhorsetest_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/drayhorsetest"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/scheduler"
	"github.com/drayhorse/drayhorse/worker"
)

// Reminder is sent an hour after somebody has signed up.
type Reminder struct {
	UserID int64  `json:"user_id"`
	Lang   string `json:"lang"`
}

// Kind names the handler.
func (Reminder) Kind() string { return "reminder" }

// newMailWorker is an application's own: it makes its worker.
func newMailWorker(redisURL string, send func(userID int64) error) (*worker.Worker, error) {
	w, err := worker.New(worker.Config{RedisURL: redisURL, Queues: map[string]int{"mail": 1}})
	if err != nil {
		return nil, err
	}
	worker.Handle(w, func(_ context.Context, job *drayhorse.Job[Reminder]) error {
		return send(job.Args.UserID)
	})
	return w, nil
}

// A job that is enqueued for later, fails once and is sent then.
func Example() {
	t := newT() // in a test, its *testing.T
	defer t.done()

	env := drayhorsetest.New(t)
	_, err := env.Producer.Enqueue(t.Context(), Reminder{UserID: 42, Lang: "en"},
		drayhorse.Queue("mail"), drayhorse.In(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	drayhorsetest.RequireEnqueued(t, env, Reminder{UserID: 42}, drayhorse.Queue("mail"), drayhorse.In(time.Hour))

	tries := 0
	w, err := newMailWorker(env.URL, func(userID int64) error {
		if tries++; tries == 1 {
			return errors.New("mail server is down")
		}
		fmt.Println("sent to user", userID)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("at once:", len(env.Work(w)), "runs")
	for _, o := range env.WorkFor(2*time.Hour, w) {
		fmt.Println(o.State, o.Err)
	}
	drayhorsetest.RequireNone[Reminder](t, env)
	// Output:
	// at once: 0 runs
	// sent to user 42
	// retryable mail server is down
	// completed <nil>
}

func ExampleNew() {
	t := newT()
	defer t.done()
	env := drayhorsetest.New(t)
	info, err := env.Producer.Enqueue(t.Context(), Reminder{UserID: 42}, drayhorse.In(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(info.State, info.DueAt.Sub(env.Now()))
	// Output: scheduled 1h0m0s
}

func ExampleStartAt() {
	t := newT()
	defer t.done()
	env := drayhorsetest.New(t, drayhorsetest.StartAt(time.Date(2027, 2, 28, 23, 59, 0, 0, time.UTC)))
	env.Advance(time.Minute)
	fmt.Println(env.Now().Format(time.DateTime))
	// Output: 2027-03-01 00:00:00
}

// An application that has a namespace of its own.
func ExampleNamespace() {
	t := newT()
	defer t.done()
	env := drayhorsetest.New(t, drayhorsetest.Namespace("shop"))
	p, err := producer.New(producer.Config{RedisURL: env.URL, Namespace: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Enqueue(t.Context(), Reminder{UserID: 42}); err != nil {
		t.Fatal(err)
	}
	drayhorsetest.RequireEnqueued(t, env, Reminder{UserID: 42})
	// Output:
}

// A server on the machine's clock, for workers and schedulers that really run.
func ExampleRedis() {
	t := newT()
	defer t.done()
	p, err := producer.New(producer.Config{RedisURL: drayhorsetest.Redis(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	info, err := p.Enqueue(t.Context(), Reminder{UserID: 42})
	fmt.Println(info.State, err)
	// Output: available <nil>
}

func ExampleEnv_Work() {
	t := newT()
	defer t.done()
	env := drayhorsetest.New(t)
	w, err := newMailWorker(env.URL, func(int64) error { return drayhorse.Discard(errors.New("no such user")) })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := env.Producer.Enqueue(t.Context(), Reminder{UserID: 1}, drayhorse.Queue("mail"), drayhorse.ID("r-1")); err != nil {
		t.Fatal(err)
	}
	for _, o := range env.Work(w) {
		fmt.Println(o)
	}
	// Output: reminder r-1: discarded: no such user
}

func ExampleEnv_WorkFor() {
	t := newT()
	defer t.done()
	env := drayhorsetest.New(t)
	w, err := newMailWorker(env.URL, func(int64) error { return drayhorse.RetryAfter(time.Hour, errors.New("down")) })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := env.Producer.Enqueue(t.Context(), Reminder{UserID: 1}, drayhorse.Queue("mail"), drayhorse.MaxAttempts(3)); err != nil {
		t.Fatal(err)
	}
	begin := env.Now()
	for _, o := range env.WorkFor(24*time.Hour, w) {
		fmt.Println("attempt", o.Job.Attempt, o.State)
	}
	fmt.Println(env.Now().Sub(begin), "have passed")
	// Output:
	// attempt 1 retryable
	// attempt 2 retryable
	// attempt 3 discarded
	// 24h0m0s have passed
}

// A schedule's jobs are enqueued as the clock moves over its ticks.
func ExampleEnv_Schedule() {
	t := newT()
	defer t.done()
	env := drayhorsetest.New(t, drayhorsetest.StartAt(time.Date(2027, 3, 27, 12, 0, 0, 0, time.UTC)))
	s, err := scheduler.New(scheduler.Config{RedisURL: env.URL})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Add(scheduler.Schedule{ID: "reminders", Cron: "0 3 * * *", Timezone: "Europe/Paris", Args: Reminder{}})
	if err != nil {
		t.Fatal(err)
	}
	env.Schedule(s)
	env.Advance(48 * time.Hour) // over the night in which the clocks of Paris change
	for _, info := range drayhorsetest.Enqueued[Reminder](t, env) {
		fmt.Println(info.Tick.UTC().Format(time.DateTime))
	}
	// Output:
	// 2027-03-28 01:00:00
	// 2027-03-29 01:00:00
}

func ExampleEnv_Advance() {
	t := newT()
	defer t.done()
	env := drayhorsetest.New(t)
	info, err := env.Producer.Enqueue(t.Context(), Reminder{UserID: 1}, drayhorse.Queue("mail"), drayhorse.Retain(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	w, err := newMailWorker(env.URL, func(int64) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	env.Work(w)
	env.Advance(time.Hour)
	_, err = env.Producer.Get(t.Context(), info.ID)
	fmt.Println(errors.Is(err, drayhorse.ErrNotFound))
	// Output: true
}

func ExampleRequireEnqueued() {
	t := newT()
	defer t.done()
	env := drayhorsetest.New(t)
	if _, err := env.Producer.Enqueue(t.Context(), Reminder{UserID: 42, Lang: "en"}); err != nil {
		t.Fatal(err)
	}
	info := drayhorsetest.RequireEnqueued(t, env, Reminder{Lang: "en"}) // whoever the user is
	fmt.Println(info.State, string(info.Args))
	// Output: available {"user_id":42,"lang":"en"}
}

func ExampleRequireNone() {
	t := newT()
	defer t.done()
	env := drayhorsetest.New(t)
	if _, err := env.Producer.Enqueue(t.Context(), Reminder{UserID: 42}, drayhorse.Queue("mail")); err != nil {
		t.Fatal(err)
	}
	drayhorsetest.RequireNone[Reminder](t, env, drayhorse.Queue("default"))
	// Output:
}

func ExampleEnqueued() {
	t := newT()
	defer t.done()
	env := drayhorsetest.New(t)
	for id := range int64(3) {
		if _, err := env.Producer.Enqueue(t.Context(), Reminder{UserID: id + 1}); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Println(len(drayhorsetest.Enqueued[Reminder](t, env)))
	// Output: 3
}

// A handler that a test calls itself, without a server.
func ExampleJob() {
	t := newT()
	defer t.done()
	handler := func(_ context.Context, job *drayhorse.Job[Reminder]) error {
		return job.SetResult(map[string]int64{"sent_to": job.Args.UserID})
	}
	job := drayhorsetest.Job(Reminder{UserID: 42})
	job.Attempt = 3
	fmt.Println(handler(t.Context(), job))
	fmt.Println(drayhorsetest.Result[map[string]int64](t, job)["sent_to"])
	// Output:
	// <nil>
	// 42
}

func ExampleResult() {
	t := newT()
	defer t.done()
	job := drayhorsetest.Job(Reminder{UserID: 42})
	if err := job.SetResult("sent"); err != nil {
		t.Fatal(err)
	}
	fmt.Println(drayhorsetest.Result[string](t, job))
	// Output: sent
}

func ExampleSnoozed() {
	t := newT()
	defer t.done()
	handler := func(context.Context, *drayhorse.Job[Reminder]) error { return drayhorse.Snooze(time.Hour) }
	fmt.Println(drayhorsetest.Snoozed(t, handler(t.Context(), drayhorsetest.Job(Reminder{}))))
	// Output: 1h0m0s
}

// The worker is killed after the mail was sent and before anybody knows: the job runs
// again, and what the handler does has to bear it.
func ExampleEnv_LoseWorker() {
	t := newT()
	defer t.done()
	env := drayhorsetest.New(t)
	sent := 0
	w, err := newMailWorker(env.URL, func(int64) error {
		if sent++; sent == 1 {
			env.LoseWorker()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := env.Producer.Enqueue(t.Context(), Reminder{UserID: 42}, drayhorse.Queue("mail")); err != nil {
		t.Fatal(err)
	}
	for _, o := range env.Work(w) {
		fmt.Println(o.State, errors.Is(o.Err, drayhorse.ErrLeaseLost))
	}
	fmt.Println("mails:", sent)
	// Output:
	// available true
	// completed false
	// mails: 2
}

func ExampleEnv_LoseLease() {
	t := newT()
	defer t.done()
	env := drayhorsetest.New(t)
	w, err := worker.New(worker.Config{RedisURL: env.URL})
	if err != nil {
		t.Fatal(err)
	}
	runs := 0
	worker.Handle(w, func(ctx context.Context, _ *drayhorse.Job[Reminder]) error {
		if runs++; runs == 1 {
			env.LoseLease()
		}
		return ctx.Err()
	})
	if _, err := env.Producer.Enqueue(t.Context(), Reminder{}); err != nil {
		t.Fatal(err)
	}
	for _, o := range env.Work(w) {
		fmt.Println(o.State)
	}
	// Output:
	// available
	// completed
}

func ExampleEnv_LoseReplies() {
	t := newT()
	defer t.done()
	env := drayhorsetest.New(t, drayhorsetest.Patience(time.Second))
	signUp := func() error {
		_, err := env.Producer.Enqueue(t.Context(), Reminder{UserID: 42}, drayhorse.ID("reminder-42"))
		return err
	}
	env.LoseReplies(func() { fmt.Println(errors.Is(signUp(), drayhorse.ErrUnavailable)) })
	fmt.Println(signUp()) // somebody tries again
	drayhorsetest.RequireEnqueued(t, env, Reminder{UserID: 42})
	// Output:
	// true
	// <nil>
}

func ExampleRequireGolden() {
	t := newT()
	defer t.done()
	file := filepath.Join("testdata", "reminder.jsonl") // {"user_id":42,"lang":"en"}
	drayhorsetest.RequireGolden(t, file, Reminder{UserID: 42, Lang: "en"})
	// Output:
}

// Invoice was once sent by fax.
type Invoice struct {
	Number string `json:"number"`
}

// Kind names the handler.
func (Invoice) Kind() string { return "invoice" }

// A field that is let go on purpose.
func ExampleDropped() {
	t := newT()
	defer t.done()
	file := filepath.Join("testdata", "invoice.jsonl") // {"number":"A-1","fax":"555-0100"} and {"number":"A-1"}
	drayhorsetest.RequireGolden(t, file, Invoice{Number: "A-1"}, drayhorsetest.Dropped("fax"))
	// Output:
}

// A worker that really runs, for what is between processes.
func ExampleRun() {
	t := newT()
	defer t.done()
	env := drayhorsetest.New(t)
	sent := make(chan int64)
	w, err := newMailWorker(env.URL, func(userID int64) error { sent <- userID; return nil })
	if err != nil {
		t.Fatal(err)
	}
	drayhorsetest.Run(t, w)
	if _, err := env.Producer.Enqueue(t.Context(), Reminder{UserID: 42}, drayhorse.Queue("mail")); err != nil {
		t.Fatal(err)
	}
	fmt.Println(<-sent)
	// Output: 42
}
