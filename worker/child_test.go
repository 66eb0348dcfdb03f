package worker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
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
// for its context, "compute" keeps a CPU busy until its context ends, "poison" kills the
// process.
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
	worker.HandleKind(w, "compute", func(ctx context.Context, _ *rawJob) error {
		for ctx.Err() == nil {
			for range 1_000_000 {
			}
		}
		return nil
	})
	worker.HandleKind(w, "poison", func(context.Context, *rawJob) error {
		return syscall.Kill(os.Getpid(), syscall.SIGKILL)
	})
	handleTenSteps(w)
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
	log    logBuffer
}

func startChild(t *testing.T, url, namespace string, concurrency int, env ...string) *child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{Cmd: exec.Command(self), exited: make(chan struct{}), lines: make(chan string, 100)}
	c.Env = append(os.Environ(), childEnv+"="+url, childNamespace+"="+namespace, childConcurrency+"="+strconv.Itoa(concurrency))
	c.Env = append(c.Env, env...)
	c.Stderr = io.MultiWriter(t.Output(), &c.log)
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

// logBuffer keeps a log that is written meanwhile.
type logBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func (b *logBuffer) contains(text string) bool { return b.count(text) > 0 }

func (b *logBuffer) count(text string) int { return strings.Count(b.String(), text) }

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
	p, err := producer.New(producer.Config{RedisURL: r.url, Namespace: r.namespace, Patience: patience})
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
		r.becomes(id, state, within)
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
// kills it: alone, and among a hundred that it is held with.
func TestPoisonIsDiscardedAndItsNeighboursFinish(t *testing.T) {
	t.Parallel()
	for n, most := range map[int]int{1: 3, 100: 12} {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			r := field(t)
			neighbours := r.enqueueN(n/2, "quick", keep)
			poison := r.enqueueN(1, "poison")[0]
			neighbours = append(neighbours, r.enqueueN(n-1-n/2, "quick", keep)...)
			deaths, begun := 0, time.Now()
			for c := startChild(t, r.url, r.namespace, n); r.get(poison).State != drayhorse.Discarded; {
				select {
				case <-c.exited:
					if deaths++; deaths > most {
						t.Fatalf("the job killed more than %d workers", most)
					}
					c = startChild(t, r.url, r.namespace, n)
				case <-time.After(50 * time.Millisecond):
				}
			}
			r.allBecome(neighbours, drayhorse.Completed, 30*time.Second)
			info := r.get(poison)
			t.Logf("after %d deaths and %v: %s", deaths, time.Since(begun), info.Errors[0].Message)
			if deaths < 3 || info.Rescues != deaths || len(info.Errors) != 1 {
				t.Errorf("after %d deaths: info = %+v, want it discarded with a reason", deaths, info)
			}
		})
	}
}
