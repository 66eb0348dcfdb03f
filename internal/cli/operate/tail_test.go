package operate_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/logtest"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/worker"
)

const soon = 30 * time.Second

// tail runs jobs tail until stop, which gives its exit code.
func (o *tool) tail(args ...string) (out, err *logtest.Buffer, stop func() int) {
	o.t.Helper()
	out, err = &logtest.Buffer{}, &logtest.Buffer{}
	ctx, cancel := context.WithCancel(o.t.Context())
	code := make(chan int, 1)
	go func() {
		code <- o.run(ctx, out, err, append([]string{"jobs", "tail", "--log-level", "debug"}, args...)...)
	}()
	return out, err, sync.OnceValue(func() int { cancel(); return <-code })
}

// has waits until a stream says that.
func (o *tool) has(s *logtest.Buffer, text string) {
	o.t.Helper()
	redistest.Eventually(o.t, soon, text+" is shown", func() bool { return strings.Contains(s.String(), text) })
}

// work runs a worker that fails the jobs of kind "bad", until the test ends.
func (o *tool) work() {
	o.t.Helper()
	w, err := worker.New(worker.Config{RedisURL: o.url, Concurrency: 5})
	if err != nil {
		o.t.Fatal(err)
	}
	worker.HandleRest(w, func(_ context.Context, job *drayhorse.Job[json.RawMessage]) error {
		if job.Kind == "bad" {
			return drayhorse.Discard(errors.New("no\x1b way\u202e\u009b"))
		}
		return nil
	})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	o.t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			o.t.Error(err)
		}
	})
}

func TestTailShowsWhatHappens(t *testing.T) {
	t.Parallel()
	o := setup(t)
	o.enqueue("k", "before")
	out, errs, stop := o.tail()
	some, errsOfSome, stopSome := o.tail("--kind", "bad", "--type", "discarded, failed", "--queue", "default", "--json")
	o.has(errs, "following jobs")
	o.has(errsOfSome, "following jobs")
	o.says("cancelled before\n", "jobs", "cancel", "before")
	o.has(out, "  operator   job cancelled  default  before")
	o.work()
	o.enqueue("k", "good")
	o.enqueue("bad", "worse")
	o.has(out, "  started    default  k  good  1/25  waited ")
	o.has(out, "  completed  default  k  good  1/25  ")
	o.has(out, "  discarded  default  bad  worse  1/25  ")
	o.has(out, "  no\\x1b way\\u202e\\u009b\n")
	o.has(some, "worse")
	if code := stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
	if code := stopSome(); code != 0 {
		t.Errorf("exit %d", code)
	}
	for line, want := range map[string]int{"completed  default  k  good": 1, "discarded  default  bad  worse": 1, "before": 1} {
		if n := strings.Count(out.String(), line); n != want {
			t.Errorf("%s is shown %d times, in %s", line, n, out)
		}
	}
	var event admin.Event
	if err := json.Unmarshal([]byte(some.String()), &event); err != nil || event.JobID != "worse" || event.Error != "no\x1b way\u202e\u009b" || strings.Count(some.String(), "\n") != 1 {
		t.Errorf("got %s, %v", some, err)
	}
	again, _, stopAgain := o.tail("--after", "0")
	o.has(again, "  discarded  default  bad  worse  1/25  ")
	o.has(again, "job cancelled")
	stopAgain()
	after, _, stopAfter := o.tail("--after", event.ID)
	o.enqueue("k", "last")
	o.has(after, "  completed  default  k  last  1/25  ")
	stopAfter()
	if strings.Contains(after.String(), "worse") {
		t.Errorf("after %s: %s", event.ID, after)
	}
}

// TestTailRidesOutAnOutage, and shows what happened meanwhile.
func TestTailRidesOutAnOutage(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	proxy := redistest.NewProxy(t, server.Addr)
	p, err := producer.New(producer.Config{RedisURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	direct, o := &tool{t: t, url: server.URL, jobs: p}, &tool{t: t, url: "redis://" + proxy.Addr, jobs: p}
	o.enqueue("k", "a")
	o.enqueue("k", "b")
	out, errs, stop := o.tail()
	o.has(errs, "following jobs")
	direct.says("cancelled a\n", "jobs", "cancel", "a")
	o.has(out, "job cancelled  default  a")
	proxy.Refuse()
	proxy.CloseAll()
	direct.says("cancelled b\n", "jobs", "cancel", "b")
	o.has(errs, "cannot read events; trying again")
	proxy.Resume()
	o.has(out, "job cancelled  default  b")
	if code := stop(); code != 0 || strings.Count(out.String(), "job cancelled") != 2 {
		t.Errorf("exit %d: %s", code, out)
	}
}
