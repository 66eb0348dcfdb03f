package admin_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/worker"
)

// discardAll makes jobs of kind k that have been discarded, with the given error each.
func (y *yard) discardAll(queue string, errs ...string) []string {
	y.t.Helper()
	began, tell := y.work(queue)
	var ids []string
	for _, text := range errs {
		id := y.enqueue("k", drayhorse.Queue(queue), drayhorse.MaxAttempts(1))
		<-began
		tell <- errors.New(text)
		y.state(id, drayhorse.Discarded)
		ids = append(ids, id)
	}
	return ids
}

func TestAllThatMatchAreRetriedCancelledAndDeleted(t *testing.T) {
	onEach(t, func(t *testing.T, y *yard) {
		ctx := t.Context()
		ids := y.discardAll("q", "timeout 1", "broken", "Timeout 2")
		for queue, at := range map[string]time.Duration{"p": time.Hour, "r": 2 * time.Hour} {
			y.enqueue("k", drayhorse.Queue(queue), drayhorse.In(at))
		}
		y.enqueue("other", drayhorse.Queue("p"))

		f := admin.Filter{Queue: "q", Where: `state:discarded error:timeout before:0s`}
		if c, err := y.admin.Count(ctx, f); err != nil || *c != (admin.Count{Jobs: 2, Looked: 3, Total: 3}) {
			t.Errorf("count %+v, %v; want 2 of 3", c, err)
		}
		got, err := y.admin.RetryAll(ctx, f, "they are back")
		if err != nil || got.State != admin.ActionDone || got.Matched != 2 || got.Changed != 2 || got.Failed != 0 || got.Looked != 3 || got.Total != 3 {
			t.Fatalf("action %+v, %v", got, err)
		}
		if got.Reason != "they are back" || got.Filter != "queue:q "+f.Where || got.BegunAt.IsZero() || got.EndedAt.Before(got.BegunAt) || got.Runner == "" {
			t.Errorf("the record: %+v", got)
		}
		if info, err := y.admin.Get(ctx, "q", ids[1]); err != nil || info.State != drayhorse.Discarded {
			t.Errorf("the other: %+v, %v", info, err)
		}
		if kept, err := y.admin.Action(ctx, got.ID); err != nil || kept.Changed != 2 || kept.State != admin.ActionDone {
			t.Errorf("kept: %+v, %v", kept, err)
		}

		got, err = y.admin.CancelAll(ctx, admin.Filter{Kind: "k", State: drayhorse.Scheduled}, "")
		if err != nil || got.Changed != 2 || got.Filter != "state:scheduled kind:k" {
			t.Errorf("cancel: %+v, %v", got, err)
		}
		if c, err := y.admin.CountFor(ctx, admin.VerbDelete, admin.Filter{Where: "queue:p"}); err != nil || *c != (admin.Count{Jobs: 2, Total: 2}) {
			t.Errorf("count %+v, %v; want 2 that none looked at", c, err)
		}
		if got, err = y.admin.DeleteAll(ctx, admin.Filter{Where: "queue:p"}, ""); err != nil || got.Changed != 2 || got.Looked != 2 {
			t.Errorf("delete: %+v, %v", got, err)
		}
		if q, err := y.admin.Queue(ctx, "p"); err != nil || q.Available+q.Cancelled+q.Scheduled != 0 {
			t.Errorf("queue %+v, %v; want it empty", q, err)
		}
		all, err := y.admin.Actions(ctx)
		if err != nil || len(all) != 3 || all[0].Verb != admin.VerbDelete || all[2].Verb != admin.VerbRetry {
			t.Errorf("actions %+v, %v; want 3, the last first", all, err)
		}
		for _, key := range y.raw().Keys(ctx, y.namespace+":{*}:action:*").Val() {
			t.Errorf("%s is left", key)
		}
	})
}

// TestWhatAnActionIsNotFor is refused, with what would be right.
func TestWhatAnActionIsNotFor(t *testing.T) {
	onEach(t, func(t *testing.T, y *yard) {
		ctx := t.Context()
		y.enqueue("k", drayhorse.Queue("q"))
		for want, f := range map[string]admin.Filter{
			`retry of state "running"; want scheduled, retryable, completed, cancelled or discarded`: {State: drayhorse.Running},
			"a limit or cursor": {Limit: 3},
			`"x" is not known`:  {Where: "x:1"},
		} {
			if _, err := y.admin.RetryAll(ctx, f, ""); !errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: %v; want %s", f, err, want)
			}
		}
		if _, err := y.admin.DeleteAll(ctx, admin.Filter{}, strings.Repeat("x", 2000)); !errors.Is(err, drayhorse.ErrInvalid) {
			t.Errorf("a long reason: %v", err)
		}
		if _, err := y.admin.CancelAll(ctx, admin.Filter{Queue: "none"}, ""); !errors.Is(err, drayhorse.ErrNotFound) {
			t.Errorf("of no queue: %v", err)
		}
		if _, err := y.admin.Action(ctx, "none"); !errors.Is(err, drayhorse.ErrNotFound) {
			t.Errorf("no action: %v", err)
		}
		if err := y.admin.StopAction(ctx, "none"); !errors.Is(err, drayhorse.ErrNotFound) {
			t.Errorf("stop of none: %v", err)
		}
		if all, err := y.admin.Actions(ctx); err != nil || len(all) != 0 {
			t.Errorf("actions %v, %v; want none", all, err)
		}
	})
}

// TestActionsAreTakenOverAndStopped: what nobody runs is run by whoever looks after them.
func TestActionsAreTakenOverAndStopped(t *testing.T) {
	onEach(t, func(t *testing.T, y *yard) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		y.enqueue("k", drayhorse.Queue("q"))
		stopped, err := y.admin.StartAction(ctx, admin.Order{Verb: admin.VerbCancel, Actor: "ann", Reason: "r"})
		if err != nil || stopped.State != admin.ActionRunning || stopped.Actor != "ann" {
			t.Fatalf("%+v, %v", stopped, err)
		}
		if err := errors.Join(y.admin.StopAction(ctx, stopped.ID), y.admin.StopAction(ctx, stopped.ID)); err != nil {
			t.Fatal(err)
		}
		if stopped, err = y.admin.Action(ctx, stopped.ID); err != nil || stopped.State != admin.ActionStopped || stopped.Changed != 0 || stopped.StoppedBy == "" {
			t.Errorf("%+v, %v; want it stopped", stopped, err)
		}
		var begun []*admin.Action
		for range 16 {
			one, err := y.admin.StartAction(ctx, admin.Order{Verb: admin.VerbCancel})
			if err != nil {
				t.Fatal(err)
			}
			begun = append(begun, one)
		}
		if _, err := y.admin.StartAction(ctx, admin.Order{Verb: admin.VerbCancel}); !errors.Is(err, drayhorse.ErrBusy) {
			t.Errorf("one too many: %v", err)
		}
		var running sync.WaitGroup
		for range 2 {
			running.Go(func() {
				if err := y.admin.RunActions(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		changed := 0
		for _, one := range begun {
			ended, err := y.admin.RunAction(ctx, one.ID, nil)
			if err != nil || ended.State != admin.ActionDone {
				t.Errorf("%+v, %v; want it done", ended, err)
				continue
			}
			changed += ended.Changed
		}
		if changed != 1 {
			t.Errorf("%d changed by all of them; want 1", changed)
		}
		stop()
		running.Wait()
	})
}

var (
	manyJobs   = flag.Int("actions.jobs", 3_000, "how many discarded jobs are retried while workers run")
	actionWait = 10 * time.Minute
)

// crowd is many discarded jobs, and workers that count how often each of them runs.
type crowd struct {
	*yard
	n    int
	mu   sync.Mutex
	runs map[string]int
	back atomic.Bool // jobs that are retried complete
	late atomic.Int64
}

// newCrowd discards jobs, over several partitions.
func newCrowd(t *testing.T, n int) *crowd {
	t.Helper()
	server := redistest.Start(t, redistest.WithConfig("slowlog-log-slower-than 10000"))
	c := &crowd{yard: setup(t, server.URL), n: n, runs: map[string]int{}}
	if _, err := c.admin.CreateQueue(t.Context(), "q", n/50_000+2); err != nil {
		t.Fatal(err)
	}
	w, err := worker.New(worker.Config{RedisURL: c.url, Namespace: c.namespace, Queues: map[string]int{"q": 1}, Concurrency: 100})
	if err != nil {
		t.Fatal(err)
	}
	worker.HandleKind(w, "k", func(_ context.Context, job *drayhorse.Job[json.RawMessage]) error {
		if strings.HasPrefix(job.ID, "late") {
			c.late.Add(1)
			return drayhorse.Discard(errors.New("late"))
		}
		if !c.back.Load() {
			return drayhorse.Discard(errors.New("broken"))
		}
		c.mu.Lock()
		c.runs[job.ID]++
		c.mu.Unlock()
		if job.ID[len(job.ID)-1] == '7' { // it fails again
			return drayhorse.Discard(errors.New("broken"))
		}
		return nil
	})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	for at := 0; at < n; at += 1000 {
		var specs []drayhorse.Spec
		for i := at; i < min(at+1000, n); i++ {
			specs = append(specs, drayhorse.Spec{
				Args:    drayhorse.Raw("k", json.RawMessage(`{"n":1}`)),
				Options: []drayhorse.Option{drayhorse.Queue("q"), drayhorse.ID(fmt.Sprintf("job-%d", i))},
			})
		}
		if _, err := c.jobs.EnqueueMany(t.Context(), specs); err != nil {
			t.Fatal(err)
		}
	}
	redistest.Eventually(t, actionWait, "all are discarded", func() bool {
		q, err := c.admin.Queue(t.Context(), "q")
		return err == nil && q.Discarded == n
	})
	c.back.Store(true)
	return c
}

// far gives the URL of the same server behind a line that takes that long.
func (c *crowd) far(delay time.Duration) string {
	c.t.Helper()
	u, err := url.Parse(c.url)
	if err != nil {
		c.t.Fatal(err)
	}
	line := redistest.NewProxy(c.t, u.Host)
	line.Delay(delay)
	u.Host = line.Addr
	return u.String()
}

// wantEachOnce waits until all retried jobs have run, and wants each to have run once.
func (c *crowd) wantEachOnce(retried int) {
	c.t.Helper()
	redistest.Eventually(c.t, actionWait, "all that were retried have run", func() bool {
		q, err := c.admin.Queue(c.t.Context(), "q")
		return err == nil && q.Available+q.Running == 0
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.runs) != retried {
		c.t.Errorf("%d jobs have run, want %d", len(c.runs), retried)
	}
	for id, n := range c.runs {
		if n != 1 {
			c.t.Errorf("%s has run %d times", id, n)
		}
	}
	if q, err := c.admin.Queue(c.t.Context(), "q"); err != nil || q.Totals["retried"] != int64(retried) {
		c.t.Errorf("totals %v, %v; want %d retried", q.Totals, err, retried)
	}
	if slow, err := c.raw().SlowLogGet(c.t.Context(), -1).Result(); err != nil {
		c.t.Error(err)
	} else {
		for _, s := range slow {
			c.t.Logf("slow: %v %.60q", s.Duration, s.Args[:min(len(s.Args), 3)])
		}
	}
}

// TestManyAreRetriedWhileWorkersRun: each once, those that fail again and those that come in
// meanwhile not at all.
func TestManyAreRetriedWhileWorkersRun(t *testing.T) { //nolint:paralleltest // it is much work
	c := newCrowd(t, *manyJobs)
	ctx, stop := context.WithCancel(t.Context())
	var others sync.WaitGroup
	others.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			_, _ = c.jobs.EnqueueRaw(ctx, "k", json.RawMessage(`{}`), drayhorse.Queue("q"), drayhorse.ID(fmt.Sprintf("late-%d", i)))
		}
	})
	start := time.Now()
	got, err := c.admin.RetryAll(t.Context(), admin.Filter{Where: "queue:q state:discarded error:broken"}, "mended")
	t.Logf("%d jobs in %v: %+v", c.n, time.Since(start), got)
	stop()
	others.Wait()
	if err != nil || got.State != admin.ActionDone || got.Matched != c.n || got.Changed != c.n || got.Failed != 0 {
		t.Fatalf("action %+v, %v; want %d", got, err, c.n)
	}
	c.wantEachOnce(c.n)
	if q, err := c.admin.Queue(t.Context(), "q"); err != nil || q.Discarded < int(c.late.Load()) {
		t.Errorf("%+v, %v; want the %d that came meanwhile discarded", q, err, c.late.Load())
	}
}

// runnerEnv has the test program run an action, until it is killed.
const runnerEnv = "DRAYHORSE_TEST_ACTION_OF"

// TestRunner is the process that is killed.
func TestRunner(t *testing.T) { //nolint:paralleltest // it is a program of its own
	where := os.Getenv(runnerEnv)
	if where == "" {
		t.Skip("it is for TestAKilledRunnerIsFollowed")
	}
	url, namespace, _ := strings.Cut(where, " ")
	a, err := admin.New(admin.Config{RedisURL: url, Namespace: namespace})
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.RetryAll(context.Background(), admin.Filter{Where: "queue:q state:discarded error:broken"}, "mended")
	t.Fatalf("it was not killed: %v", err)
}

// TestAKilledRunnerIsFollowed: another goes on where it stood, and no job is met twice or passed
// over.
func TestAKilledRunnerIsFollowed(t *testing.T) { //nolint:paralleltest // it is much work
	c := newCrowd(t, *manyJobs)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(self, "-test.run=^TestRunner$")
	child.Env = append(os.Environ(), runnerEnv+"="+c.far(50*time.Millisecond)+" "+c.namespace) // midway for seconds
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var id string
	redistest.Eventually(t, time.Minute, "it is at work", func() bool {
		all, err := c.admin.Actions(t.Context())
		if err != nil || len(all) != 1 {
			return false
		}
		id = all[0].ID
		return all[0].Changed > c.n/10
	})
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	before, err := c.admin.Action(t.Context(), id)
	if err != nil || before.Ended() {
		t.Fatalf("%+v, %v; want it killed midway", before, err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for range 2 {
		running.Go(func() { _ = c.admin.RunActions(ctx) })
	}
	var got *admin.Action
	redistest.Eventually(t, actionWait, "another has ended it", func() bool {
		got, err = c.admin.Action(t.Context(), id)
		return err == nil && got.Ended()
	})
	stop()
	running.Wait()
	if got.State != admin.ActionDone || got.Matched != c.n || got.Changed != c.n || got.Failed != 0 || got.Runner == before.Runner {
		t.Errorf("action %+v; want %d", got, c.n)
	}
	c.wantEachOnce(c.n)
}

// TestAnActionIsStopped: what it has done stays so, and it has done no more than it says.
func TestAnActionIsStopped(t *testing.T) { //nolint:paralleltest // it is much work
	c := newCrowd(t, *manyJobs)
	begun, err := c.admin.StartAction(t.Context(), admin.Order{Verb: admin.VerbRetry, Filter: admin.Filter{Where: "queue:q state:discarded error:broken"}})
	if err != nil {
		t.Fatal(err)
	}
	runner, err := admin.New(admin.Config{RedisURL: c.far(5 * time.Millisecond), Namespace: c.namespace}) // midway at some notes
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = runner.Close() }()
	var once sync.Once
	got, err := runner.RunAction(t.Context(), begun.ID, func(a *admin.Action) {
		if a.Changed > 0 {
			once.Do(func() {
				if err := c.admin.StopAction(t.Context(), a.ID); err != nil {
					t.Error(err)
				}
			})
		}
	})
	if err != nil || got.State != admin.ActionStopped || got.Changed == 0 || got.Changed >= c.n {
		t.Fatalf("action %+v, %v; want it stopped midway", got, err)
	}
	c.wantEachOnce(got.Changed)
}
