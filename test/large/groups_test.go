package large

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/worker"
)

var (
	inFront = flag.Int("in-front", 3_000, "jobs that cannot start, or of one group, in front of others")
	groups  = flag.Int("groups", 500, "groups of a queue")
)

// bystander runs a worker of the queue "q" with handlers by kind.
func (y *yard) bystander(slots int, handlers map[string]worker.Handler) (stop func()) {
	y.Helper()
	w, err := worker.New(worker.Config{RedisURL: y.url, Queues: map[string]int{"q": 1}, Concurrency: slots})
	if err != nil {
		y.Fatal(err)
	}
	for kind, h := range handlers {
		worker.HandleKind(w, kind, h)
	}
	return y.run(w)
}

type anyJob = drayhorse.Job[json.RawMessage]

// TestWhatCannotStartIsInNobodysWay: ten jobs start though very many of a group whose limit is
// reached, and as many of a kind that is paused, are in line before them.
func TestWhatCannotStartIsInNobodysWay(t *testing.T) {
	y := newYard(t)
	if _, err := y.admin.CreateQueue(t.Context(), "q", 1); err != nil {
		t.Fatal(err)
	}
	if err := y.admin.SetLimit(t.Context(), drayhorse.Limit{Name: "one-each", Queue: "q", PerGroup: true, Concurrency: 1}, ""); err != nil {
		t.Fatal(err)
	}
	if err := y.admin.Pause(t.Context(), admin.Target{Queue: "q", Kind: "paused"}, "test"); err != nil {
		t.Fatal(err)
	}
	y.enqueue(*inFront, func(i int) drayhorse.Spec { return spec("full", i, drayhorse.Queue("q"), drayhorse.Group("full")) })
	y.enqueue(*inFront, func(i int) drayhorse.Spec { return spec("paused", i, drayhorse.Queue("q")) })
	y.forget()
	release, begun := make(chan struct{}), make(chan string, 100)
	defer close(release)
	wait := func(_ context.Context, job *anyJob) error {
		begun <- job.Kind
		<-release
		return nil
	}
	started := time.Now()
	y.bystander(20, map[string]worker.Handler{"full": wait, "paused": wait, "ready": wait})
	if kind := <-begun; kind != "full" {
		t.Fatalf("a job of kind %s begins; want one of the group", kind)
	}
	redistest.Eventually(t, time.Minute, "those that are paused are set aside", func() bool {
		n, _ := y.redis.ZScore(t.Context(), drayhorse.DefaultNamespace+":{q}:lanes", "paused").Result()
		return int(n) == *inFront
	})
	aside := time.Since(started)
	const ready = 10
	enqueued := time.Now()
	y.enqueue(ready, func(i int) drayhorse.Spec { return spec("ready", i, drayhorse.Queue("q")) })
	for i := range ready {
		if kind := <-begun; kind != "ready" {
			t.Errorf("job %d that begins is of kind %s", i+1, kind)
		}
	}
	took := time.Since(enqueued)
	if *bounds && took > time.Second {
		t.Errorf("%d jobs started within %v, want a second", ready, took)
	}
	y.wantQuick("starting them", *inFront/50_000)
	t.Logf("%d jobs started %v after they were enqueued, behind %d of a full group and as many of a paused kind; these were set aside in %v", ready, took.Round(10*time.Microsecond), *inFront, aside.Round(time.Millisecond))
}

// TestASmallGroupIsServedInItsTurn behind a large one.
func TestASmallGroupIsServedInItsTurn(t *testing.T) {
	const slots = 10
	y := newYard(t)
	y.enqueue(*inFront, func(i int) drayhorse.Spec { return spec("big", i, drayhorse.Queue("q"), drayhorse.Group("big")) })
	y.enqueue(3, func(i int) drayhorse.Spec { return spec("small", i, drayhorse.Queue("q"), drayhorse.Group("small")) })
	var big, small atomic.Int64
	before := make(chan int64, 3)
	y.forget()
	y.bystander(slots, map[string]worker.Handler{
		"big": func(context.Context, *anyJob) error { big.Add(1); time.Sleep(10 * time.Millisecond); return nil },
		"small": func(context.Context, *anyJob) error {
			before <- big.Load()
			if small.Add(1) == 3 {
				close(before)
			}
			return nil
		},
	})
	most := int64(0)
	for n := range before {
		most = max(most, n)
	}
	if most > 2*slots {
		t.Errorf("%d jobs of the large group began before the third of the small one, want %d at most", most, 2*slots)
	}
	y.wantQuick("serving it", 0)
	t.Logf("%d of %d jobs of the large group began before the third of the small one", most, *inFront)
}

// TestManyGroupsAreDrained, and leave nothing behind.
func TestManyGroupsAreDrained(t *testing.T) {
	const each = 4
	y := newYard(t)
	y.enqueue(1, func(i int) drayhorse.Spec { return spec("k", i, drayhorse.Queue("q")) }) // so that the queue is there
	used := func() (n int64) {
		text, err := y.redis.Info(t.Context(), "memory").Result()
		if err != nil {
			t.Fatal(err)
		}
		for line := range linesOf([]byte(text)) {
			_, _ = fmt.Sscanf(line, "used_memory:%d", &n)
		}
		return n
	}
	empty := used()
	n := *groups * each
	y.enqueue(n, func(i int) drayhorse.Spec {
		return spec("k", i, drayhorse.Queue("q"), drayhorse.Group("tenant-"+strconv.Itoa(i%*groups)))
	})
	full := used()
	y.forget()
	began := time.Now()
	y.bystander(100, map[string]worker.Handler{"k": func(context.Context, *anyJob) error { return nil }})
	y.await("q", func(q *admin.Queue) bool { return q.Available+q.Running == 0 })
	took := time.Since(began)
	y.wantQuick("draining", n/20_000)
	for _, key := range []string{"lanes", "parked", "gates", "blocked", "route"} {
		key = drayhorse.DefaultNamespace + ":{q}:" + key
		redistest.Eventually(t, time.Minute, key+" is gone", func() bool { return y.redis.Exists(t.Context(), key).Val() == 0 })
	}
	t.Logf("%d groups of %d jobs drained in %v, %.0f jobs/s; Redis has %d kB, %d kB with them, %d kB before", *groups, each, took.Round(time.Millisecond), float64(n)/took.Seconds(), used()>>10, full>>10, empty>>10)
}
