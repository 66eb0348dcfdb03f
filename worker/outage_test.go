package worker_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/worker"
)

// TestLostRepliesMakeNoCopies cuts the replies of turns and enqueues after Redis has
// executed them.
func TestLostRepliesMakeNoCopies(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	proxy := redistest.NewProxy(t, server.Addr)
	r := setupAt(t, "redis://"+proxy.Addr)
	var runs atomic.Int64
	r.handle("test", func(context.Context, *rawJob) error { runs.Add(1); return nil }).start()
	const n = 300
	ids := make([]string, n)
	for i := range ids {
		if i%10 == 0 {
			proxy.CutReplies(1, redistest.Contains("evalsha"))
		}
		ids[i] = r.enqueue("test", keep, drayhorse.MaxAttempts(1)).ID
	}
	r.allBecome(ids, drayhorse.Completed, 30*time.Second)
	if proxy.Cuts() < n/20 {
		t.Errorf("only %d replies were cut", proxy.Cuts())
	}
	if runs.Load() != n {
		t.Errorf("%d runs of %d jobs after %d cut replies", runs.Load(), n, proxy.Cuts())
	}
	client := server.Client(t)
	stats, err := client.HGetAll(t.Context(), r.namespace+":{default}:stats").Result()
	if err != nil || stats["completed"] != "300" || stats["enqueued"] != "300" || stats["rescued"] != "" {
		t.Errorf("stats = %v, %v, want 300 enqueued and completed, none rescued", stats, err)
	}
}

// TestOutageIsRiddenOut takes Redis away under load and brings it back.
func TestOutageIsRiddenOut(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.WithAOF())
	r := setupAt(t, server.URL)
	r.handle("test", func(context.Context, *rawJob) error { return nil }).start()
	first := r.enqueueN(100, "test", keep)
	usual, err := producer.New(producer.Config{RedisURL: server.URL, Namespace: r.namespace})
	if err != nil {
		t.Fatal(err)
	}
	defer usual.Close()
	server.Kill()
	r.notReady()
	begun := time.Now()
	if _, err := usual.EnqueueRaw(t.Context(), "test", nil); !errors.Is(err, drayhorse.ErrUnavailable) {
		t.Errorf("enqueue while redis is away: %v, want ErrUnavailable", err)
	}
	if took := time.Since(begun); took > redistest.Stretch*5*time.Second { // 5 s are promised
		t.Errorf("that took %v, want 5 s at most", took)
	}
	server.Restart()
	back := time.Now()
	second := r.enqueueN(100, "test", keep)
	r.allBecome(append(first, second...), drayhorse.Completed, 10*time.Second)
	t.Logf("all ran %v after redis was back", time.Since(back))
}

// TestIdleWorkerNoticesAnOutage takes Redis away from a worker that has nothing to
// say to it.
func TestIdleWorkerNoticesAnOutage(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.WithAOF())
	r := setupAt(t, server.URL)
	r.handle("test", func(context.Context, *rawJob) error { return nil }).start()
	r.becomes(r.enqueue("test", keep).ID, drayhorse.Completed, 10*time.Second)
	server.Kill()
	r.notReady()
	server.Restart()
	redistest.Eventually(t, 15*time.Second, "the worker says that redis is back", func() bool {
		return r.worker.Ready() == nil
	})
}

// TestNodeThatIsAwayLeavesTheOthersAtWork stops a master of a Cluster while the worker
// has jobs to claim from it and from another one.
func TestNodeThatIsAwayLeavesTheOthersAtWork(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t, 3, 0, redistest.WithConfig("cluster-require-full-coverage no"))
	queues := queuesOf(t, c)
	sick, well := queues[0], queues[1]
	r := setupAt(t, c.URL, func(cfg *worker.Config) { cfg.Queues = map[string]int{sick: 1, well: 1} })
	ran := map[string]*atomic.Int64{sick: {}, well: {}}
	r.handle("test", func(_ context.Context, job *rawJob) error {
		time.Sleep(10 * time.Millisecond)
		ran[job.Queue].Add(1)
		return nil
	})
	const few, many = 1000, 9000
	r.enqueueN(few, "test", drayhorse.Queue(sick))
	r.enqueueN(many, "test", drayhorse.Queue(well))
	r.start()
	redistest.Eventually(t, 10*time.Second, "both queues are worked on", func() bool { return ran[sick].Load() > 20 && ran[well].Load() > 20 })
	c.Nodes[0].Pause()
	before, begun := ran[well].Load(), time.Now()
	redistest.Eventually(t, 9*time.Second, "the queue of another node is worked on", func() bool { return ran[well].Load() > before+300 })
	t.Logf("300 jobs ran within %v of the other node's stop", time.Since(begun))
	redistest.Eventually(t, 30*time.Second, "it is worked off", func() bool { return ran[well].Load() >= many })
	t.Logf("and all of them within %v", time.Since(begun))
	c.Nodes[0].Resume()
	redistest.Eventually(t, 30*time.Second, "all jobs ran", func() bool { return ran[sick].Load() >= few })
}

// queuesOf gives the name of a queue for each master of a Cluster.
func queuesOf(t *testing.T, c *redistest.Cluster) []string {
	t.Helper()
	queues := make([]string, len(c.Nodes))
	for i, found := 0, 0; found < len(queues); i++ {
		name := fmt.Sprint("q", i)
		if node := nodeOf(t, c, name); queues[node] == "" {
			queues[node] = name
			found++
		}
	}
	return queues
}

// nodeOf gives the index of the master that has a key.
func nodeOf(t *testing.T, c *redistest.Cluster, key string) int {
	t.Helper()
	slot, err := c.Client(t).ClusterKeySlot(t.Context(), key).Result()
	if err != nil {
		t.Fatal(err)
	}
	return int(slot) * len(c.Nodes) / 16384
}

// notReady waits until the worker says that Redis is away.
func (r *rig) notReady() {
	r.Helper()
	redistest.Eventually(r.T, 15*time.Second, "the worker says that redis is away", func() bool {
		return errors.Is(r.worker.Ready(), drayhorse.ErrUnavailable)
	})
}

// TestOutageLongerThanTheLeaseLosesNoClaim holds the connection of a worker for
// longer than its lease: its handlers are told, and the jobs run again.
func TestOutageLongerThanTheLeaseLosesNoClaim(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	r := setupAt(t, server.URL)
	running, causes := make(chan int, 2), make(chan error, 2)
	r.handle("test", func(ctx context.Context, job *rawJob) error {
		running <- job.Attempt
		select {
		case <-ctx.Done():
			causes <- context.Cause(ctx)
			return ctx.Err()
		default:
		}
		if len(causes) > 0 {
			return nil
		}
		<-ctx.Done()
		causes <- context.Cause(ctx)
		return ctx.Err()
	}).start()
	id := r.enqueue("test", keep, drayhorse.MaxAttempts(1)).ID
	<-running
	server.Pause()
	select {
	case cause := <-causes:
		if !errors.Is(cause, drayhorse.ErrLeaseLost) {
			t.Errorf("cause = %v, want ErrLeaseLost", cause)
		}
		causes <- cause
	case <-time.After(redistest.Stretch * jobs.LeaseTime):
		t.Error("the handler was not told that its lease may be lost")
	}
	server.Resume()
	info := r.becomes(id, drayhorse.Completed, 15*time.Second)
	if info.Attempt != 1 || info.Rescues != 0 {
		t.Errorf("info = %+v, want neither an attempt nor a rescue: nobody else condemned the lease", info)
	}
}

func TestRunFailsOnWhatWaitingCannotMend(t *testing.T) {
	t.Parallel()
	evicting := redistest.Start(t, redistest.WithConfig("maxmemory 100mb", "maxmemory-policy allkeys-lru"))
	locked := redistest.Start(t, redistest.WithPassword("secret"))
	for name, url := range map[string]string{"evicting": evicting.URL, "password": "redis://" + locked.Addr} {
		w, err := worker.New(worker.Config{RedisURL: url})
		if err != nil {
			t.Fatal(err)
		}
		err = w.Run(t.Context())
		if err == nil || errors.Is(err, drayhorse.ErrUnavailable) {
			t.Errorf("%s: Run = %v, want an error that says what to mend", name, err)
		}
		t.Logf("%s: %v", name, err)
		p, err := producer.New(producer.Config{RedisURL: url})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.EnqueueRaw(t.Context(), "test", nil); err == nil || errors.Is(err, drayhorse.ErrUnavailable) {
			t.Errorf("%s: Enqueue = %v, want an error that says what to mend", name, err)
		}
		_ = p.Close()
	}
}
