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
	"github.com/drayhorse/drayhorse/internal/logtest"
	"github.com/drayhorse/drayhorse/internal/redistest"
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

func TestTailShowsJobsAsTheyEnd(t *testing.T) {
	t.Parallel()
	o := setup(t)
	o.enqueue("k", "before")
	o.says("cancelled before\n", "jobs", "cancel", "before")
	out, errs, stop := o.tail()
	some, errsOfSome, stopSome := o.tail("--kind", "bad", "--state", "discarded", "--queue", "default", "--json")
	keep := drayhorse.Retain(time.Hour)
	o.has(errs, "following jobs")
	o.has(errsOfSome, "following jobs")
	o.work()
	o.enqueue("k", "kept", keep)
	o.enqueue("bad", "worse", keep)
	o.has(out, "  completed  default  k  kept  1/25\n")
	o.has(out, "  discarded  default  bad  worse  1/25  no\\x1b way\\u202e\\u009b\n")
	for _, verb := range [][]string{{"list", "--state", "discarded"}, {"get", "worse"}} {
		if _, stdout, _ := o.call(append([]string{"jobs"}, verb...)...); !strings.Contains(stdout, "no\\x1b way\\u202e\\u009b\n") {
			t.Errorf("%v: got %q", verb, stdout)
		}
	}
	o.enqueue("k", "unkept")
	o.has(errs, "queue default: 1 more completed, not shown\n")
	o.enqueue("k", "last", keep)
	o.has(out, "last")
	o.has(some, "worse")
	if code := stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
	if code := stopSome(); code != 0 {
		t.Errorf("exit %d", code)
	}
	for _, id := range []string{"kept", "worse", "last"} {
		if n := strings.Count(out.String(), id); n != 1 {
			t.Errorf("%s is shown %d times", id, n)
		}
	}
	if strings.Contains(out.String(), "before") || strings.Contains(out.String(), "unkept") {
		t.Errorf("got %s", out)
	}
	var info drayhorse.Info
	if err := json.Unmarshal([]byte(some.String()), &info); err != nil || info.ID != "worse" || strings.Count(some.String(), "\n") != 1 {
		t.Errorf("got %s, %v", some, err)
	}
}
