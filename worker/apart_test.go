package worker_test

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/worker"
)

// nilError is an error whose methods panic on a nil pointer, as handlers return them by
// mistake.
type nilError struct{ text string }

func (e *nilError) Error() string { return e.text }

// exiting ends the goroutine when it is asked for its text.
type exiting struct{}

func (exiting) Error() string { runtime.Goexit(); return "" }

// asPanics panics when it is asked what it wraps.
type asPanics struct{}

func (asPanics) Error() string { return "as" }
func (asPanics) As(any) bool   { panic("as panics") }

// brokenLog panics at every record.
type brokenLog struct{ slog.Handler }

func (brokenLog) Enabled(context.Context, slog.Level) bool  { return true }
func (brokenLog) Handle(context.Context, slog.Record) error { panic("log") }
func (l brokenLog) WithAttrs([]slog.Attr) slog.Handler      { return l }

// TestUsersCodeEndsNoMoreThanItsAttempt has each piece of the user's code panic, or end
// its goroutine, that a worker calls.
func TestUsersCodeEndsNoMoreThanItsAttempt(t *testing.T) {
	boom := errors.New("boom")
	tests := []struct {
		name    string
		handler worker.Handler
		retry   worker.RetryPolicy
		config  func(*worker.Config)
		use     worker.Middleware
		message string // of the first attempt's error
		stack   string // what it names
	}{
		{name: "the text of the error", handler: func(context.Context, *rawJob) error { var e *nilError; return e },
			message: "panic: runtime error: invalid memory address or nil pointer dereference", stack: "nilError"},
		{name: "the text of the error ends the goroutine", handler: func(context.Context, *rawJob) error { return exiting{} },
			message: "handler ended its goroutine (runtime.Goexit)"},
		{name: "what the error wraps", handler: func(context.Context, *rawJob) error { return asPanics{} },
			message: "panic: as panics", stack: "asPanics"},
		{name: "the retry policy", handler: func(context.Context, *rawJob) error { return boom },
			retry:   func(int, error) time.Duration { panic("policy") },
			message: "panic: policy", stack: "apart_test.go"},
		{name: "the retry policy ends the goroutine", handler: func(context.Context, *rawJob) error { return boom },
			retry:   func(int, error) time.Duration { runtime.Goexit(); return 0 },
			message: "handler ended its goroutine (runtime.Goexit)"},
		{name: "the worker's retry policy", handler: func(context.Context, *rawJob) error { return boom },
			config:  func(c *worker.Config) { c.Retry = func(int, error) time.Duration { panic("policy") } },
			message: "panic: policy", stack: "apart_test.go"},
		{name: "a panic with a value whose text panics", handler: func(context.Context, *rawJob) error { var e *nilError; panic(e) },
			message: "panic: of a *worker_test.nilError whose text cannot be had: it panics", stack: "apart_test.go"},
		{name: "a panic that would steer", handler: func(context.Context, *rawJob) error { panic(drayhorse.Snooze(0)) },
			message: "panic: snoozed for 0s", stack: "apart_test.go"},
		{name: "the result", handler: func(_ context.Context, job *rawJob) error { return job.SetResult(panicsAsJSON{}) },
			message: "panic: marshal", stack: "panicsAsJSON"},
		{name: "middleware", handler: func(context.Context, *rawJob) error { return nil },
			use: func(worker.Handler) worker.Handler {
				return func(context.Context, *rawJob) error { panic("middleware") }
			},
			message: "panic: middleware", stack: "apart_test.go"},
		{name: "the log", handler: func(context.Context, *rawJob) error { return boom },
			config:  func(c *worker.Config) { c.Logger = slog.New(brokenLog{}) },
			message: "boom"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := setup(t, func(c *worker.Config) {
				if test.config != nil {
					test.config(c)
				}
			})
			if test.use != nil {
				r.worker.Use(test.use)
			}
			var options []worker.KindOption
			if test.retry != nil {
				options = append(options, worker.Retry(test.retry))
			}
			worker.HandleKind(r.worker, "test", test.handler, options...)
			worker.HandleKind(r.worker, "well", func(context.Context, *rawJob) error { return nil })
			r.start()
			id := r.enqueue("test", keep, drayhorse.MaxAttempts(2)).ID
			info := r.becomes(id, drayhorse.Discarded, time.Minute)
			if len(info.Errors) != 2 || info.Errors[0].Message != test.message || !strings.Contains(info.Errors[0].Stack, test.stack) {
				t.Errorf("errors = %+v, want two, the first %q with %q in its stack", info.Errors, test.message, test.stack)
			}
			if test.use == nil {
				r.becomes(r.enqueue("well", keep).ID, drayhorse.Completed, time.Minute)
			}
		})
	}
}

// panicsAsJSON cannot be encoded.
type panicsAsJSON struct{}

func (panicsAsJSON) MarshalJSON() ([]byte, error) { panic("marshal") }

// TestFailedPolicyCostsOneAttempt: the job runs again, after a wait that is not the
// policy's to say.
func TestFailedPolicyCostsOneAttempt(t *testing.T) {
	r := setup(t)
	var runs atomic.Int64
	worker.HandleKind(r.worker, "test", func(context.Context, *rawJob) error {
		if runs.Add(1) > 1 {
			return nil
		}
		return errors.New("boom")
	}, worker.Retry(func(int, error) time.Duration { panic("policy") }))
	r.start()
	if info := r.becomes(r.enqueue("test", keep).ID, drayhorse.Completed, time.Minute); info.Attempt != 2 {
		t.Errorf("attempt = %d, want the second", info.Attempt)
	}
}

// TestMiddlewareMustBeThere: a nil one, or one that gives nothing, is told at once.
func TestMiddlewareMustBeThere(t *testing.T) {
	r := setup(t)
	func() {
		defer func() {
			if p := recover(); p == nil || !strings.Contains(p.(string), "middleware 1 is nil") { //nolint:forcetypeassert // a test
				t.Errorf("panicked with %v, want which middleware is nil", p)
			}
		}()
		r.worker.Use(func(next worker.Handler) worker.Handler { return next }, nil)
	}()
	r.handle("test", func(context.Context, *rawJob) error { return nil })
	r.worker.Use(func(worker.Handler) worker.Handler { return nil })
	if err := r.worker.Run(t.Context()); !errors.Is(err, drayhorse.ErrInvalid) {
		t.Errorf("Run = %v, want ErrInvalid", err)
	}
}

// TestFrozenNodeHoldsUpNothingElse freezes one master of three, the one with the registry
// of queues, for longer than a lease: on the others long jobs keep their leases, the jobs
// of a dead worker run elsewhere, new jobs run, and processes that start then work.
func TestFrozenNodeHoldsUpNothingElse(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t, 3, 0, redistest.WithConfig("cluster-require-full-coverage no", "cluster-node-timeout 15000"))
	queues, weights := queuesOf(t, c), map[string]int{}
	for _, q := range queues {
		weights[q] = 1
	}
	serving := func(cfg *worker.Config) {
		cfg.Queues, cfg.Limits = weights, []drayhorse.Limit{{Name: "late", Kind: "late", Concurrency: 50}} // of queues on all nodes
	}
	r := setupAt(t, c.URL, serving)
	away := nodeOf(t, c, r.namespace+":queues")
	sick := queues[away]
	well := slices.DeleteFunc(slices.Clone(queues), func(q string) bool { return q == sick })
	release := make(chan struct{})
	causes := make(chan error, 10)
	r.handle("long", func(ctx context.Context, job *rawJob) error {
		select {
		case <-release:
			return nil
		case <-ctx.Done():
			causes <- context.Cause(ctx)
			return ctx.Err()
		}
	})
	r.handle("short", func(context.Context, *rawJob) error { return nil })
	r.handle("rare", func(context.Context, *rawJob) error { return nil })
	dead := r.enqueue("rare", keep, drayhorse.Queue(well[0])).ID
	r.claimAndDie(well[0])
	r.start()
	var long []string
	for _, q := range well {
		long = append(long, r.enqueue("long", keep, drayhorse.Queue(q), drayhorse.MaxAttempts(1)).ID)
	}
	r.enqueue("short", keep, drayhorse.Queue(sick))
	for i, id := range long {
		r.becomesIn(well[i], id, drayhorse.Running)
	}
	for _, q := range well {
		redistest.Eventually(t, time.Minute, "queue "+q+" has a note of itself", func() bool {
			noted, err := c.Client(t).HExists(t.Context(), r.namespace+":{"+q+"}:meta", "partitions").Result()
			return err == nil && noted
		})
	}
	c.Nodes[away].Pause()
	frozen := time.Now()
	defer c.Nodes[away].Resume()
	late, err := producer.New(producer.Config{RedisURL: c.URL, Namespace: r.namespace})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = late.Close() })
	second := r.newWorker(serving)
	worker.HandleKind(second, "late", func(context.Context, *rawJob) error { return nil })
	run(t, second)
	for _, q := range well {
		info, err := late.EnqueueRaw(t.Context(), "late", []byte("{}"), keep, drayhorse.Queue(q))
		if err != nil {
			t.Fatalf("a producer that starts meanwhile: %v", err)
		}
		r.becomesIn(q, info.ID, drayhorse.Completed)
	}
	r.becomesIn(well[0], dead, drayhorse.Completed)
	t.Logf("the dead worker's job ran %v after the node froze", time.Since(frozen))
	redistest.Eventually(t, 2*time.Minute, "three leases' time goes by", func() bool {
		for _, q := range well {
			r.becomesIn(q, r.enqueue("short", keep, drayhorse.Queue(q)).ID, drayhorse.Completed)
		}
		return time.Since(frozen) > 24*time.Second
	})
	close(release)
	for i, id := range long {
		if info := r.becomesIn(well[i], id, drayhorse.Completed); info.Attempt != 1 || info.Rescues != 0 {
			t.Errorf("info = %+v, want one attempt and no rescue", info)
		}
	}
	select {
	case cause := <-causes:
		t.Errorf("a long job on a healthy node was ended: %v", cause)
	default:
	}
}

// becomesIn waits until a job of a queue is in a state, and gives it. It asks that queue
// alone: another may be on a node that is away.
func (r *rig) becomesIn(queue, id string, state drayhorse.State) *drayhorse.Info {
	r.Helper()
	var info *drayhorse.Info
	redistest.Eventually(r.T, time.Minute, id+" becomes "+string(state), func() bool {
		var err error
		if info, err = r.producer.Get(r.Context(), id, drayhorse.Queue(queue)); err != nil {
			r.Fatal(err)
		}
		return info.State == state
	})
	return info
}

// claimAndDie claims what is in a queue as a worker would that dies then: its lease is
// never renewed.
func (r *rig) claimAndDie(queue string) {
	r.Helper()
	client, err := redis.Open(redis.Config{URL: r.url})
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { _ = client.Close() })
	engine := jobs.New(client, r.namespace)
	partitions, err := engine.Queue(r.Context(), queue)
	if err != nil {
		r.Fatal(err)
	}
	reply := engine.RunTurns(r.Context(), &jobs.Turn{Lease: jobs.NewLease(partitions[0], "dead"), Want: 1})[0]
	if reply.Err != nil || len(reply.Claims) != 1 {
		r.Fatalf("claimed %+v", reply)
	}
}

// TestSlowJobsAreNotClaimedAhead: two workers share slow jobs. Neither takes what the other
// could run. How many are claimed ahead goes by how many end in a round trip, which on a
// busy machine may be all, as they end together: the tests of pace have the numbers.
func TestSlowJobsAreNotClaimedAhead(t *testing.T) {
	const slots, spare, n = 20, 20, 200
	r := setup(t, func(c *worker.Config) { c.Concurrency = slots })
	handler := func(ctx context.Context, _ *rawJob) error {
		select {
		case <-time.After(500 * time.Millisecond):
		case <-ctx.Done():
		}
		return nil
	}
	r.handle("slow", handler)
	other := r.newWorker(func(c *worker.Config) { c.Concurrency = slots })
	worker.HandleKind(other, "slow", handler)
	r.start()
	run(t, other)
	ids := r.enqueueN(n, "slow", keep)
	options, err := goredis.ParseURL(r.url)
	if err != nil {
		t.Fatal(err)
	}
	client := goredis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	redistest.Eventually(t, time.Minute, "all jobs ran", func() bool {
		running, err := client.HVals(t.Context(), r.namespace+":{default}:running").Result()
		if err != nil {
			t.Fatal(err)
		}
		held := map[string]int{}
		for _, token := range running {
			if id, _, ok := strings.Cut(token, "."); ok {
				held[id]++
			}
		}
		for id, n := range held {
			if n > slots+spare {
				t.Errorf("worker %s holds %d jobs with %d slots", id, n, slots)
			}
		}
		return len(running) <= 1 && r.get(ids[n-1]).State == drayhorse.Completed
	})
	r.allBecome(ids, drayhorse.Completed, time.Minute)
}

// TestLargeResultsGoThroughASlowLink: results of a mebibyte that end together, over a link
// of 80 Mbit/s, cost no lease and no second run.
func TestLargeResultsGoThroughASlowLink(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	proxy := redistest.NewProxy(t, server.Addr)
	r := setupAt(t, "redis://"+proxy.Addr, func(c *worker.Config) { c.Concurrency = *largeResults })
	const size = 1<<20 - 100
	large := strings.Repeat("x", size)
	together := make(chan struct{})
	var runs, waiting atomic.Int64
	r.handle("test", func(_ context.Context, job *rawJob) error {
		runs.Add(1)
		if waiting.Add(1) == int64(*largeResults) {
			close(together)
		}
		<-together
		return job.SetResult(large)
	})
	ids := r.enqueueN(*largeResults, "test", keep, drayhorse.MaxAttempts(1))
	proxy.Limit(10_000_000)
	r.start()
	<-together
	begun := time.Now()
	client := server.Client(t)
	slowest := time.Duration(0)
	redistest.Eventually(t, 2*time.Minute, "all results are there", func() bool {
		asked := time.Now()
		if err := client.Ping(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		slowest = max(slowest, time.Since(asked))
		done, err := client.ZCard(t.Context(), r.namespace+":{default}:completed").Result()
		return err == nil && done == int64(len(ids))
	})
	// TestResultsOfACallHaveABudget judges what others wait for, by bytes.
	t.Logf("%d results took %v, the slowest PING of another client %v", len(ids), time.Since(begun), slowest)
	if runs.Load() != int64(len(ids)) {
		t.Errorf("%d runs of %d jobs", runs.Load(), len(ids))
	}
	gone := 0
	for _, id := range ids {
		info, err := r.producer.Get(t.Context(), id)
		if errors.Is(err, drayhorse.ErrNotFound) && len(ids) > largeKept {
			gone++
		} else if err != nil || info.State != drayhorse.Completed || info.Rescues != 0 {
			t.Fatalf("info = %+v, %v; want it completed without a rescue", info, err)
		}
	}
	if kept := len(ids) - gone; kept < min(len(ids), largeKept) {
		t.Errorf("%d results are kept", kept)
	}
}

// largeKept is how many results of a mebibyte a partition keeps at least.
const largeKept = 120

// largeResults is how many results end together; TestLargeResults alone looks at it.
var largeResults = flag.Int("large-results", 40, "results of 1 MiB that end together")
