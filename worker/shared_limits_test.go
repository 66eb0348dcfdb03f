package worker_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/worker"
)

// meter is how many jobs run, and when they have started.
type meter struct {
	mu        sync.Mutex
	now, most int
	starts    []time.Time
	queues    map[string]int // jobs that are done
}

// handler runs jobs that take so long.
func (m *meter) handler(takes time.Duration) worker.Handler {
	return func(ctx context.Context, job *rawJob) error {
		m.mu.Lock()
		m.now++
		m.most = max(m.most, m.now)
		m.starts = append(m.starts, time.Now())
		m.mu.Unlock()
		select { // work
		case <-ctx.Done():
		case <-time.After(takes):
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		m.now--
		if m.queues == nil {
			m.queues = map[string]int{}
		}
		m.queues[job.Queue]++
		return nil
	}
}

func (m *meter) done() (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, of := range m.queues {
		n += of
	}
	return n
}

// sharing is two workers that serve queues of 3, 1 and 1 partitions, with what they measure of the kind k.
func sharing(r *rig, takes time.Duration, limits ...drayhorse.Limit) (*meter, *worker.Worker) {
	r.Helper()
	if _, err := r.admin().CreateQueue(r.Context(), "three", 3); err != nil {
		r.Fatal(err)
	}
	m := new(meter)
	make := func() *worker.Worker {
		w := r.newWorker(func(c *worker.Config) {
			c.Queues, c.Limits = map[string]int{"default": 1, "three": 1, "other": 1}, limits
		})
		worker.HandleKind(w, "k", m.handler(takes))
		return w
	}
	r.worker = make()
	return m, make()
}

// TestPartitionsShareALimit: of one job at once, over two workers and three partitions, none of which starves.
func TestPartitionsShareALimit(t *testing.T) {
	for name, url := range map[string]func(testing.TB) string{"single": redistest.Shared, "cluster": redistest.SharedCluster} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := setupAt(t, url(t))
			m, other := sharing(r, 5*time.Millisecond, drayhorse.Limit{Name: "one", Queue: "three", Concurrency: 1})
			const n = 30
			for range n {
				r.enqueue("k", drayhorse.Queue("three"))
			}
			r.start()
			run(t, other)
			redistest.Eventually(t, time.Minute, "all jobs have run", func() bool { return m.done() == n })
			if m.most != 1 {
				t.Errorf("%d ran at once; want 1", m.most)
			}
		})
	}
}

// TestAllQueuesShareALimitOfAKind: also one that was made after the limit was set; jobs of other kinds pass.
func TestAllQueuesShareALimitOfAKind(t *testing.T) {
	r := setup(t)
	m, other := sharing(r, 20*time.Millisecond, drayhorse.Limit{Name: "three", Kind: "k", Concurrency: 3})
	late := r.newWorker(func(c *worker.Config) { c.Queues = map[string]int{"late": 1} })
	worker.HandleKind(late, "k", m.handler(20*time.Millisecond))
	free := make(chan string, 10)
	worker.HandleKind(late, "free", func(_ context.Context, job *rawJob) error {
		free <- job.ID
		return nil
	})
	r.start()
	run(t, other)
	redistest.Eventually(t, time.Minute, "the limit is known", func() bool {
		all, err := r.admin().Limits(t.Context())
		return err == nil && len(all) == 1 && all[0].Shared
	})
	const n = 25
	for range n {
		for _, queue := range []string{"default", "three", "other", "late"} {
			r.enqueue("k", drayhorse.Queue(queue))
		}
	}
	run(t, late)
	passed := r.enqueue("free", drayhorse.Queue("late"))
	if id := <-free; id != passed.ID {
		t.Errorf("got %s", id)
	}
	if m.done() == 4*n {
		t.Error("all were done before that of another kind; want it to pass them")
	}
	redistest.Eventually(t, time.Minute, "all jobs have run", func() bool { return m.done() == 4*n })
	if m.most != 3 {
		t.Errorf("%d ran at once; want 3", m.most)
	}
}

// TestQueuesShareARate: no more start in any time than the rate and the burst give.
func TestQueuesShareARate(t *testing.T) {
	r := setup(t)
	rate := drayhorse.Rate{Jobs: 20, Per: time.Second, Burst: 4}
	m, other := sharing(r, 0, drayhorse.Limit{Name: "rate", Kind: "k", Rate: rate})
	const n = 20
	for i := range 3 * n {
		r.enqueue("k", drayhorse.Queue([]string{"default", "three", "other"}[i%3]), drayhorse.ID("job-"+strconv.Itoa(i)))
	}
	r.start()
	run(t, other)
	redistest.Eventually(t, time.Minute, "all jobs have run", func() bool { return m.done() == 3*n })
	slices.SortFunc(m.starts, func(a, b time.Time) int { return a.Compare(b) })
	// A handler is called some time after the claim that counts: so much that starts are closer than claims were.
	const late = redistest.Stretch * 500 * time.Millisecond
	for i := range m.starts {
		for j := i; j < len(m.starts); j++ {
			took := m.starts[j].Sub(m.starts[i])
			if most := float64(rate.Burst) + float64(rate.Jobs)*(took+late).Seconds(); float64(j-i+1) > most {
				t.Fatalf("%d started in %v; want %.1f at most", j-i+1, took, most)
			}
		}
	}
	t.Logf("%d jobs took %v at %v", 3*n, m.starts[len(m.starts)-1].Sub(m.starts[0]), rate)
}

// TestALimitOfAllQueuesCanGoAgain: what waited for it starts.
func TestALimitOfAllQueuesCanGoAgain(t *testing.T) {
	r := setup(t)
	m, other := sharing(r, 0)
	a := r.admin()
	if err := a.SetLimit(t.Context(), drayhorse.Limit{Name: "slow", Kind: "k", Rate: drayhorse.Rate{Jobs: 1, Per: time.Hour}}, "a quota"); err != nil {
		t.Fatal(err)
	}
	const n = 5
	var ids []string
	for range n {
		for _, queue := range []string{"default", "three", "other"} {
			ids = append(ids, r.enqueue("k", drayhorse.Queue(queue)).ID)
		}
	}
	r.start()
	run(t, other)
	redistest.Eventually(t, time.Minute, "one has run", func() bool { return m.done() == 1 })
	redistest.Eventually(t, time.Minute, "the others wait for it", func() bool {
		waits, elsewhere := 0, false
		for i, id := range ids {
			x, err := a.Explain(t.Context(), []string{"default", "three", "other"}[i%3], id)
			if errors.Is(err, drayhorse.ErrNotFound) { // it has run
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, why := range x.Why {
				if why.Gate == "limit" {
					waits++
					elsewhere = elsewhere || why.Detail == "limit slow: 1/1h, and other queues have all of it for now, as ann has set it (a quota)"
				}
			}
		}
		return waits == 3*n-1 && elsewhere
	})
	if got := m.done(); got != 1 {
		t.Errorf("%d have run; want 1 an hour", got)
	}
	if err := a.RemoveLimit(t.Context(), "slow", "no quota any more"); err != nil {
		t.Fatal(err)
	}
	redistest.Eventually(t, time.Minute, "all jobs have run", func() bool { return m.done() == 3*n })
	if all, err := a.Limits(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("%v, %v; want no limit", all, err)
	}
}
