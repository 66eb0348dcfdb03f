package large

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli/clitest"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/worker"
)

var (
	waiting   = flag.Int("waiting", 5_000, "jobs that wait in one queue")
	retryable = flag.Int("retryable", 2_000, "jobs that wait for another attempt")
	discarded = flag.Int("discarded", 5_000, "jobs that were discarded")
	repeats   = flag.Int("repeats", 2, "how often each page is asked for")
	bounds    = flag.Bool("bounds", false, "whether the bounds on time and memory count")
)

// slow is what a call of Redis may take, in µs.
const slow = 10_000

func TestMain(m *testing.M) { redistest.Main(m) }

// yard is a Redis with many jobs.
type yard struct {
	*testing.T
	url    string
	redis  *goredis.Client
	admin  *admin.Admin
	jobs   *producer.Producer
	binary string

	healed atomic.Bool    // what has failed until then completes now
	runs   []atomic.Int32 // by number, of jobs of kind "gone", since they are healed
}

// what is in the arguments of a job.
type what struct {
	N    int      `json:"n"`
	User string   `json:"user"`
	Tags []string `json:"-"`
}

// newYard starts a server of its own, which notes what is slow.
func newYard(t *testing.T) *yard {
	t.Helper()
	server := redistest.Start(t, redistest.WithConfig(fmt.Sprintf("slowlog-log-slower-than %d", slow), "slowlog-max-len 1000"))
	y := &yard{T: t, url: server.URL, redis: server.Client(t), runs: make([]atomic.Int32, *discarded)}
	var err error
	if y.admin, err = admin.New(admin.Config{RedisURL: y.url, Actor: "test"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = y.admin.Close() })
	if y.jobs, err = producer.New(producer.Config{RedisURL: y.url}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = y.jobs.Close() })
	dir := t.TempDir()
	if err := clitest.BuildInto(dir, "../../cmd/drayhorse"); err != nil {
		t.Fatal(err)
	}
	y.binary = filepath.Join(dir, "drayhorse")
	return y
}

// enqueue stores jobs, by four callers in calls of a thousand.
func (y *yard) enqueue(n int, make func(i int) drayhorse.Spec) {
	y.Helper()
	const call, callers = 1000, 4
	var next atomic.Int64
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for first := int(next.Add(call)) - call; first < n; first = int(next.Add(call)) - call {
				var specs []drayhorse.Spec
				for i := first; i < min(first+call, n); i++ {
					specs = append(specs, make(i))
				}
				if _, err := y.jobs.EnqueueMany(y.Context(), specs); err != nil {
					y.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// spec is a job of a kind.
func spec(kind string, i int, options ...drayhorse.Option) drayhorse.Spec {
	args, _ := json.Marshal(what{N: i, User: "user-" + strconv.Itoa(i%1000)})
	return drayhorse.Spec{Args: drayhorse.Raw(kind, args), Options: options}
}

// fill makes the jobs: those that wait, those that failed once, and those that are out of
// attempts.
func (y *yard) fill() {
	y.Helper()
	if _, err := y.admin.CreateQueue(y.Context(), "dead", 16); err != nil {
		y.Fatal(err)
	}
	began := time.Now()
	kinds := []string{"mail", "invoice", "resize", "sync"}
	y.enqueue(*waiting, func(i int) drayhorse.Spec {
		options := []drayhorse.Option{drayhorse.Queue("orders")}
		if i%1000 == 999 {
			options = append(options, drayhorse.Tags("vip"))
		}
		return spec(kinds[i%len(kinds)], i, options...)
	})
	y.enqueue(*retryable, func(i int) drayhorse.Spec { return spec("flaky", i, drayhorse.Queue("flaky")) })
	y.enqueue(*discarded, func(i int) drayhorse.Spec {
		return spec("gone", i, drayhorse.Queue("dead"), drayhorse.MaxAttempts(1))
	})
	stop := y.work()
	y.await("dead", func(q *admin.Queue) bool { return q.Discarded == *discarded })
	y.await("flaky", func(q *admin.Queue) bool { return q.Retryable == *retryable })
	stop()
	y.Logf("%d jobs wait, %d are retryable, %d discarded, after %v", *waiting, *retryable, *discarded, time.Since(began).Round(time.Second))
}

// work runs a worker of two queues, which leaves "orders" alone.
func (y *yard) work() (stop func()) {
	y.Helper()
	w, err := worker.New(worker.Config{RedisURL: y.url, Queues: map[string]int{"dead": 1, "flaky": 1}, Concurrency: 50, Retry: worker.Constant(24 * time.Hour)})
	if err != nil {
		y.Fatal(err)
	}
	fail := errors.New("connection refused: the relay 10.0.0.7:25 is away")
	worker.HandleKind(w, "flaky", func(context.Context, *drayhorse.Job[json.RawMessage]) error { return fail })
	worker.HandleKind(w, "gone", func(_ context.Context, job *drayhorse.Job[what]) error {
		if !y.healed.Load() || job.Args.N >= len(y.runs) {
			return fail
		}
		y.runs[job.Args.N].Add(1)
		return nil
	})
	return y.run(w)
}

// run runs a worker until the test ends or stop is called.
func (y *yard) run(w *worker.Worker) (stop func()) {
	y.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	ended := false
	stop = func() {
		if ended {
			return
		}
		ended = true
		cancel()
		if err := <-done; err != nil {
			y.Error(err)
		}
	}
	y.Cleanup(stop)
	return stop
}

// await waits until a queue is as it is to be.
func (y *yard) await(queue string, fact func(q *admin.Queue) bool) {
	y.Helper()
	redistest.Eventually(y, 10*time.Minute, queue+" is as wanted", func() bool {
		q, err := y.admin.Queue(y.Context(), queue)
		return err == nil && fact(q)
	})
}

// forget empties the log of slow calls.
func (y *yard) forget() {
	y.Helper()
	if err := y.redis.SlowLogReset(y.Context()).Err(); err != nil {
		y.Fatal(err)
	}
}

// wantQuick wants no call to have kept Redis from others for long, but for a few while others
// take its processor away.
func (y *yard) wantQuick(during string, few int) {
	y.Helper()
	log, err := y.redis.SlowLogGet(y.Context(), 1000).Result()
	if err != nil {
		y.Fatal(err)
	}
	longest := time.Duration(0)
	for _, c := range log {
		longest = max(longest, c.Duration)
	}
	y.Logf("%s: %d calls over %d ms, the longest %v", during, len(log), slow/1000, longest)
	if *bounds && len(log) > few {
		y.Errorf("%s: such as %.200q", during, log[0].Args)
	}
}

// start starts the program.
func (y *yard) start(args ...string) *clitest.Program {
	y.Helper()
	return clitest.Start(y, y.binary, append(args, "--redis", y.url)...)
}

// peak is the most memory that a process has had, in bytes; 0 where nobody says.
func peak(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	var kb int64
	for line := range linesOf(text) {
		_, _ = fmt.Sscanf(line, "VmHWM: %d kB", &kb)
	}
	return kb << 10
}
