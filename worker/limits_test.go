package worker_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/worker"
)

// TestALimitHoldsOverWorkers: two workers with slots for 20 jobs run no more than 3 at once,
// and the next starts when one ends, not when somebody looks: 60 jobs would take 20 looks.
func TestALimitHoldsOverWorkers(t *testing.T) {
	limit := func(c *worker.Config) {
		c.Limits = []drayhorse.Limit{{Name: "three", Queue: "default", Concurrency: 3}}
	}
	r := setup(t, limit)
	other := r.newWorker(limit)
	var runs, most, done atomic.Int64
	handler := func(ctx context.Context, _ *rawJob) error {
		now := runs.Add(1)
		for seen := most.Load(); now > seen && !most.CompareAndSwap(seen, now); seen = most.Load() {
		}
		select { // work
		case <-ctx.Done():
		case <-time.After(5 * time.Millisecond):
		}
		runs.Add(-1)
		done.Add(1)
		return nil
	}
	r.handle("k", handler)
	worker.HandleKind(other, "k", handler)
	const n = 60
	for range n {
		r.enqueue("k")
	}
	begun := time.Now()
	r.start()
	stop := run(t, other)
	redistest.Eventually(t, 2*time.Minute, "all jobs have run", func() bool { return done.Load() == n })
	took := time.Since(begun)
	r.stop()
	stop()
	if most.Load() > 3 {
		t.Errorf("%d ran at once; want 3 at most", most.Load())
	}
	t.Logf("%d jobs of 5 ms, %d at once, in %v", n, most.Load(), took)
	if took > redistest.Stretch*15*time.Second {
		t.Errorf("60 jobs took %v; want each to start when another ends", took)
	}
}

// TestALimitOfAKindHoldsUpNoOther: of one kind two run at once, over two workers, and jobs of
// another kind that are behind all of them run meanwhile.
func TestALimitOfAKindHoldsUpNoOther(t *testing.T) {
	limit := func(c *worker.Config) {
		c.Limits = []drayhorse.Limit{{Name: "two", Queue: "default", Kind: "slow", Concurrency: 2}}
	}
	r := setup(t, limit)
	other := r.newWorker(limit)
	var runs, most, done, free, doneThen atomic.Int64
	slow := func(ctx context.Context, _ *rawJob) error {
		now := runs.Add(1)
		for seen := most.Load(); now > seen && !most.CompareAndSwap(seen, now); seen = most.Load() {
		}
		select { // work
		case <-ctx.Done():
		case <-time.After(10 * time.Millisecond):
		}
		runs.Add(-1)
		done.Add(1)
		return nil
	}
	for _, w := range []*worker.Worker{r.worker, other} {
		worker.HandleKind(w, "slow", slow)
		worker.HandleKind(w, "free", func(context.Context, *rawJob) error {
			free.Add(1)
			doneThen.Store(done.Load())
			return nil
		})
	}
	const n = 60
	for range n {
		r.enqueue("slow")
	}
	for range 10 {
		r.enqueue("free")
	}
	begun := time.Now()
	r.start()
	stop := run(t, other)
	redistest.Eventually(t, 2*time.Minute, "all jobs have run", func() bool { return done.Load() == n && free.Load() == 10 })
	took := time.Since(begun)
	r.stop()
	stop()
	if most.Load() > 2 {
		t.Errorf("%d ran at once; want 2 at most", most.Load())
	}
	if doneThen.Load() > n/2 {
		t.Errorf("the last of the others ran when %d were done; want it to pass them", doneThen.Load())
	}
	if took > redistest.Stretch*15*time.Second {
		t.Errorf("%d jobs took %v; want each to start when another ends", n, took)
	}
}

// TestWorkersWithWrongLimitsDoNotStart.
func TestWorkersWithWrongLimitsDoNotStart(t *testing.T) {
	t.Parallel()
	for _, limits := range [][]drayhorse.Limit{
		{{Name: "l", Queue: "q"}}, {{Name: "l", Queue: "q", Concurrency: 1}, {Name: "l", Queue: "r", Concurrency: 1}},
	} {
		if _, err := worker.New(worker.Config{Limits: limits}); !errors.Is(err, drayhorse.ErrInvalid) {
			t.Errorf("%+v: %v; want ErrInvalid", limits, err)
		}
	}
}

// TestALimitHoldsForEachGroup: two of each group run at once, over two workers, and a few of one group do not wait
// for the backlog of another.
func TestALimitHoldsForEachGroup(t *testing.T) {
	limit := func(c *worker.Config) {
		c.Limits = []drayhorse.Limit{{Name: "two", Queue: "default", PerGroup: true, Concurrency: 2}}
	}
	r := setup(t, limit)
	other := r.newWorker(limit)
	of := map[string]string{} // group by ID
	var mu sync.Mutex
	runs, most, done := map[string]int{}, map[string]int{}, map[string]int{}
	doneThen := 0 // of the backlog, when the few were done
	handler := func(ctx context.Context, job *rawJob) error {
		mu.Lock()
		runs[of[job.ID]]++
		most[of[job.ID]] = max(most[of[job.ID]], runs[of[job.ID]])
		mu.Unlock()
		select { // work
		case <-ctx.Done():
		case <-time.After(2 * time.Millisecond):
		}
		mu.Lock()
		defer mu.Unlock()
		runs[of[job.ID]]--
		if done[of[job.ID]]++; of[job.ID] == "few" && done["few"] == 10 {
			doneThen = done["many"]
		}
		return nil
	}
	r.handle("k", handler)
	worker.HandleKind(other, "k", handler)
	for group, n := range map[string]int{"many": 2000, "few": 10} {
		for _, id := range r.enqueueN(n, "k", drayhorse.Group(group)) {
			of[id] = group
		}
	}
	r.start()
	stop := run(t, other)
	redistest.Eventually(t, 2*time.Minute, "all jobs have run", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return done["many"] == 2000 && done["few"] == 10
	})
	r.stop()
	stop()
	if most["many"] != 2 || most["few"] > 2 {
		t.Errorf("at once ran %v; want two of each group at most", most)
	}
	if doneThen > 1000 {
		t.Errorf("%d of 2,000 of another group were done before the few; want them to wait for nobody", doneThen)
	}
}

// TestABreakerSparesAttempts: while a service is down, over two workers, no more attempts are burnt than it takes to
// see it, those in flight, and those that are tried after each time to cool down; when it is back all jobs are done.
func TestABreakerSparesAttempts(t *testing.T) {
	const coolDown, slots, least, probes = 200 * time.Millisecond, 10, 5, 2
	config := func(c *worker.Config) {
		c.Concurrency, c.Retry = slots, worker.Constant(20*time.Millisecond)
		c.Limits = []drayhorse.Limit{{Name: "service", Queue: "default", Kind: "k", Breaker: drayhorse.Breaker{
			Rate: 0.5, Min: least, Window: time.Minute, CoolDown: coolDown, Probes: probes,
		}}}
	}
	r := setup(t, config)
	other := r.newWorker(config)
	var failed, done atomic.Int64
	var down atomic.Bool
	down.Store(true)
	handler := func(context.Context, *rawJob) error {
		if down.Load() {
			failed.Add(1)
			return errors.New("the service is down")
		}
		done.Add(1)
		return nil
	}
	r.handle("k", handler)
	worker.HandleKind(other, "k", handler)
	const n = 100
	r.enqueueN(n, "k", drayhorse.MaxAttempts(1000))
	began := time.Now()
	r.start()
	stop := run(t, other)
	redistest.Eventually(t, time.Minute, "some were tried again and again", func() bool { return failed.Load() > least+3*probes })
	time.Sleep(5 * coolDown) // it is down for a while, in which nearly nothing happens
	burnt, took := failed.Load(), time.Since(began)
	down.Store(false)
	redistest.Eventually(t, time.Minute, "all are done", func() bool { return done.Load() == n })
	r.stop()
	stop()
	// Those that were claimed before it opened: of each worker its slots, and as many ahead of them, since they end at once.
	if most := least + 2*2*slots + probes*int64(took/coolDown+2); burnt > most {
		t.Errorf("%d attempts were burnt in %v; want %d at most", burnt, took, most)
	}
	t.Logf("%d attempts of %d jobs were burnt in %v", burnt, n, took)
}
