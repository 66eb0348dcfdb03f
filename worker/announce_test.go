package worker_test

import (
	"context"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/worker"
)

// workers gives a look at the registry of a namespace.
func (r *rig) workers() func() []admin.Worker {
	r.Helper()
	a := r.admin()
	return func() []admin.Worker {
		r.Helper()
		workers, err := a.Workers(r.Context())
		if err != nil {
			r.Fatal(err)
		}
		return workers
	}
}

func TestAWorkerIsListedWithItsJobsWhileItRuns(t *testing.T) {
	r := setup(t, func(c *worker.Config) { c.Queues = map[string]int{"default": 2, "mail": 1} })
	workers := r.workers()
	began, release := make(chan struct{}), make(chan struct{})
	r.handle("test", func(context.Context, *rawJob) error {
		close(began)
		<-release
		return nil
	}).handle("other", func(context.Context, *rawJob) error { return nil }).start()
	redistest.Eventually(t, 30*time.Second, "the worker is listed", func() bool { return len(workers()) == 1 })
	w := workers()[0]
	if w.ID != r.worker.ID() || w.PID != os.Getpid() || w.State != admin.WorkerWorking || w.Concurrency != 10 ||
		w.Queues["default"] != 2 || w.Queues["mail"] != 1 || w.QueueCount != 2 || !slices.Equal(w.Kinds, []string{"other", "test"}) {
		t.Errorf("got %+v", w)
	}
	id := r.enqueue("test").ID
	<-began
	r.worker.Quiet() // which it tells at once
	redistest.Eventually(t, 30*time.Second, "it is quiet, with its job", func() bool {
		w := workers()[0]
		return w.State == admin.WorkerQuiet && w.Running == 1 && len(w.Jobs) == 1 && w.Jobs[0].ID == id && w.Jobs[0].Kind == "test"
	})
	stopped := make(chan struct{})
	go func() { r.stop(); close(stopped) }()
	redistest.Eventually(t, 30*time.Second, "it is stopping", func() bool { return workers()[0].State == admin.WorkerStopping })
	close(release)
	<-stopped
	if left := workers(); len(left) != 0 {
		t.Errorf("after it stopped: %+v", left)
	}
}

func TestAKilledWorkerIsListedNoMore(t *testing.T) {
	r := field(t)
	workers := r.workers()
	c := startChild(t, r.url, r.namespace, 1)
	redistest.Eventually(t, 30*time.Second, "the worker is listed", func() bool { return len(workers()) == 1 })
	c.signal(t, syscall.SIGKILL)
	killed := time.Now()
	redistest.Eventually(t, 20*time.Second, "the worker is listed no more", func() bool { return len(workers()) == 0 })
	t.Logf("gone after %v", time.Since(killed).Round(100*time.Millisecond))
}

func TestAWorkerTellsNoMoreThanFitsItsRow(t *testing.T) {
	const queues, running = 150, 30
	r := setup(t, func(c *worker.Config) {
		c.Queues, c.Concurrency = map[string]int{}, running
		for i := range queues {
			c.Queues["q"+string(rune('a'+i/26))+string(rune('a'+i%26))] = i + 1
		}
	})
	workers := r.workers()
	release := make(chan struct{})
	r.handle("test", func(context.Context, *rawJob) error { <-release; return nil }).start()
	defer close(release)
	for range running {
		r.enqueue("test", drayhorse.Queue("qfk"))
	}
	redistest.Eventually(t, 30*time.Second, "all jobs run", func() bool {
		all := workers()
		return len(all) == 1 && all[0].Running == running
	})
	w := workers()[0]
	if len(w.Queues) != 100 || w.Queues["qft"] != queues || w.Queues["qaa"] != 0 || w.QueueCount != queues || len(w.Jobs) != 20 {
		t.Errorf("%d queues of %d, %d jobs", len(w.Queues), w.QueueCount, len(w.Jobs))
	}
}
