package worker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/worker"
)

// The test binary runs itself as a worker process, to be killed and frozen.
const (
	childEnv         = "DRAYHORSE_TEST_CHILD_URL"
	childNamespace   = "DRAYHORSE_TEST_CHILD_NAMESPACE"
	childConcurrency = "DRAYHORSE_TEST_CHILD_CONCURRENCY"
)

// runChild is main of a worker process. Its handlers: "quick" returns, "hang" waits
// for its context, "poison" kills the process.
func runChild() {
	concurrency, _ := strconv.Atoi(os.Getenv(childConcurrency))
	w, err := worker.New(worker.Config{
		RedisURL: os.Getenv(childEnv), Namespace: os.Getenv(childNamespace), Concurrency: concurrency,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)), ShutdownTimeout: -1,
	})
	if err != nil {
		panic(err)
	}
	worker.HandleKind(w, "quick", func(context.Context, *rawJob) error { return nil })
	worker.HandleKind(w, "hang", func(ctx context.Context, _ *rawJob) error {
		<-ctx.Done()
		fmt.Println("ended:", context.Cause(ctx))
		return ctx.Err()
	})
	worker.HandleKind(w, "poison", func(context.Context, *rawJob) error {
		return syscall.Kill(os.Getpid(), syscall.SIGKILL)
	})
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := w.Run(ctx); err != nil {
		panic(err)
	}
}

// child is a worker process.
type child struct {
	*exec.Cmd
	exited chan struct{}
	lines  chan string // what it says on stdout
}

func startChild(t *testing.T, url, namespace string, concurrency int) *child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{Cmd: exec.Command(self), exited: make(chan struct{}), lines: make(chan string, 100)}
	c.Env = append(os.Environ(), childEnv+"="+url, childNamespace+"="+namespace, childConcurrency+"="+strconv.Itoa(concurrency))
	c.Stderr = t.Output()
	c.Stdout = lineWriter(c.lines)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = c.Wait(); close(c.exited) }()
	t.Cleanup(c.kill)
	return c
}

func (c *child) kill() {
	_ = c.Process.Kill()
	<-c.exited
}

func (c *child) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := c.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

type lineWriter chan string

func (w lineWriter) Write(p []byte) (int, error) {
	w <- string(p)
	return len(p), nil
}

// field is a rig whose workers are processes.
func field(t *testing.T) *rig {
	t.Helper()
	t.Parallel()
	r := &rig{T: t, url: redistest.Shared(t), namespace: redistest.Namespace(t)}
	p, err := producer.New(producer.Config{RedisURL: r.url, Namespace: r.namespace})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	r.producer = p
	return r
}

func (r *rig) enqueueN(n int, kind string, options ...drayhorse.Option) []string {
	r.Helper()
	ids := make([]string, n)
	for i := range ids {
		info, err := r.producer.EnqueueRaw(r.Context(), kind, json.RawMessage(`{}`), options...)
		if err != nil {
			r.Fatal(err)
		}
		ids[i] = info.ID
	}
	return ids
}

func (r *rig) allBecome(ids []string, state drayhorse.State, within time.Duration) {
	r.Helper()
	for _, id := range ids {
		begun := time.Now()
		r.becomes(id, state, within)
		within -= time.Since(begun)
	}
}

// TestKilledWorkersJobsRunElsewhere is the first promise, at default settings.
func TestKilledWorkersJobsRunElsewhere(t *testing.T) {
	r := field(t)
	ids := r.enqueueN(20, "hang", keep, drayhorse.MaxAttempts(1))
	victim := startChild(t, r.url, r.namespace, 20)
	r.allBecome(ids, drayhorse.Running, 20*time.Second)
	r.worker = r.newWorker(func(c *worker.Config) { c.Concurrency = 20 })
	r.handle("hang", func(context.Context, *rawJob) error { return nil }).start()
	redistest.Eventually(t, 5*time.Second, "the second worker is ready", func() bool { return r.worker.Ready() == nil })

	victim.kill()
	killed := time.Now()
	r.allBecome(ids, drayhorse.Completed, 12*time.Second)
	t.Logf("all 20 jobs of the killed worker ran elsewhere after %v", time.Since(killed))
	for _, id := range ids {
		if info := r.get(id); info.Attempt != 1 || info.Rescues != 1 {
			t.Errorf("info = %+v, want one rescue and no attempt consumed", info)
		}
	}
}

// TestFrozenWorkerIsRefused freezes a worker past its lease: the winner's record
// stands, and the frozen one ends its handlers.
func TestFrozenWorkerIsRefused(t *testing.T) {
	r := field(t)
	id := r.enqueueN(1, "hang", keep)[0]
	frozen := startChild(t, r.url, r.namespace, 1)
	r.becomes(id, drayhorse.Running, 20*time.Second)
	r.worker = r.newWorker()
	r.handle("hang", func(_ context.Context, job *rawJob) error { return job.SetResult("winner") }).start()
	redistest.Eventually(t, 5*time.Second, "the second worker is ready", func() bool { return r.worker.Ready() == nil })

	frozen.signal(t, syscall.SIGSTOP)
	won := r.becomes(id, drayhorse.Completed, 12*time.Second)
	frozen.signal(t, syscall.SIGCONT)
	if got := <-frozen.lines; got != "ended: lease lost\n" {
		t.Errorf("the frozen worker said %q, want its handler to end with the lease", got)
	}
	frozen.signal(t, syscall.SIGTERM)
	<-frozen.exited
	if info := r.get(id); string(info.Result) != `"winner"` || !info.FinishedAt.Equal(won.FinishedAt) {
		t.Errorf("info = %+v, want the winner's record untouched", info)
	}
}

// TestPoisonIsDiscardedAndItsNeighboursFinish restarts a worker as often as a job
// kills it.
func TestPoisonIsDiscardedAndItsNeighboursFinish(t *testing.T) {
	r := field(t)
	neighbours := r.enqueueN(5, "quick", keep)
	poison := r.enqueueN(1, "poison")[0]
	neighbours = append(neighbours, r.enqueueN(5, "quick", keep)...)
	deaths := 0
	for c := startChild(t, r.url, r.namespace, 10); ; {
		select {
		case <-c.exited:
			deaths++
			if deaths > 5 {
				t.Fatal("the job killed more than 5 workers")
			}
			c = startChild(t, r.url, r.namespace, 10)
			continue
		case <-time.After(50 * time.Millisecond):
		}
		if r.get(poison).State == drayhorse.Discarded {
			break
		}
	}
	info := r.get(poison)
	if deaths != 3 || info.Rescues != 3 || len(info.Errors) != 1 {
		t.Errorf("after %d deaths: info = %+v, want it discarded at the third with a reason", deaths, info)
	}
	t.Logf("after %d deaths: %s", deaths, info.Errors[0].Message)
	r.allBecome(neighbours, drayhorse.Completed, 30*time.Second)
}
