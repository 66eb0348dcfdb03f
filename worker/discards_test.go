package worker_test

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/logtest"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/worker"
)

// hook keeps what OnDiscard is told.
type hook struct {
	mu    sync.Mutex
	infos []*drayhorse.Info
	after func(ctx context.Context, info *drayhorse.Info) // nil: nothing
}

func (h *hook) discarded(ctx context.Context, info *drayhorse.Info) {
	h.mu.Lock()
	h.infos = append(h.infos, info)
	h.mu.Unlock()
	if h.after != nil {
		h.after(ctx, info)
	}
}

// of gives what it was told of a kind.
func (h *hook) of(kind string) (infos []*drayhorse.Info) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, info := range h.infos {
		if info.Kind == kind {
			infos = append(infos, info)
		}
	}
	return infos
}

func (h *hook) set(c *worker.Config) { c.OnDiscard = h.discarded }

// TestOnDiscardIsToldOfEachJobThatIsDiscarded, once, and of no other.
func TestOnDiscardIsToldOfEachJobThatIsDiscarded(t *testing.T) {
	h := &hook{}
	r := setup(t, h.set)
	runs := map[string]func(*rawJob) error{
		"fails":    func(*rawJob) error { return errors.New("broken") },
		"panics":   func(*rawJob) error { panic("oh") },
		"exits":    func(*rawJob) error { runtime.Goexit(); return nil },
		"gives-up": func(*rawJob) error { return drayhorse.Discard(errors.New("no use")) },
		"cancels":  func(*rawJob) error { return drayhorse.Cancel(errors.New("not wanted")) },
		"fine":     func(*rawJob) error { return nil },
		"retried": func(job *rawJob) error {
			if job.Attempt == 1 {
				return errors.New("not yet")
			}
			return nil
		},
		"last": func(*rawJob) error { return errors.New("the end") },
	}
	for kind, run := range runs {
		r.handle(kind, func(_ context.Context, job *rawJob) error { return run(job) })
	}
	r.start()
	for kind := range runs {
		if kind != "last" {
			r.enqueue(kind, drayhorse.MaxAttempts(2), keep)
		}
	}
	for _, kind := range []string{"fails", "panics", "exits", "gives-up"} {
		redistest.Eventually(t, patience, kind+" is told", func() bool { return len(h.of(kind)) > 0 })
	}
	r.stop() // after which no call comes
	for kind, attempts := range map[string]int{"fails": 2, "panics": 2, "exits": 2, "gives-up": 1, "cancels": 0, "fine": 0, "retried": 0} {
		infos := h.of(kind)
		if attempts == 0 {
			if len(infos) != 0 {
				t.Errorf("%s: told %+v", kind, infos[0])
			}
			continue
		}
		if len(infos) != 1 || infos[0].State != drayhorse.Discarded || len(infos[0].Errors) != attempts || string(infos[0].Args) != `{"n":1}` {
			t.Errorf("%s: told %d times, %+v; want once, with %d errors", kind, len(infos), infos[0], attempts)
		}
	}
}

// TestOnDiscardIsToldOfJobsThatExpire: before the worker could claim them, or where nobody
// claims, with the reason, and once.
func TestOnDiscardIsToldOfJobsThatExpire(t *testing.T) {
	h := &hook{}
	r := setup(t, h.set, func(c *worker.Config) { c.Queues = map[string]int{"default": 1, "paused": 1} })
	for _, kind := range []string{"claimed", "swept"} {
		r.handle(kind, func(context.Context, *rawJob) error { return nil })
	}
	r.enqueue("claimed", drayhorse.StartWithin(time.Hour))
	r.enqueue("swept", drayhorse.StartWithin(time.Hour), drayhorse.Queue("paused"))
	if err := r.admin().Pause(t.Context(), admin.Target{Queue: "paused"}, "a test"); err != nil {
		t.Fatal(err)
	}
	r.makeLate("default", time.Second)
	r.makeLate("paused", time.Second)
	r.start()
	for _, kind := range []string{"claimed", "swept"} {
		redistest.Eventually(t, patience, kind+" is told", func() bool { return len(h.of(kind)) > 0 })
	}
	r.stop() // after which no call comes
	for _, kind := range []string{"claimed", "swept"} {
		infos := h.of(kind)
		if len(infos) != 1 || infos[0].State != drayhorse.Discarded || !strings.HasPrefix(infos[0].Errors[0].Message, "expired") {
			t.Errorf("%s: told %d times, %+v; want once, with the reason", kind, len(infos), infos[0])
		}
	}
}

// TestOnDiscardHoldsUpNothing: a hook that panics, ends its goroutine or does not return
// costs jobs nothing, nor others their calls.
func TestOnDiscardHoldsUpNothing(t *testing.T) {
	log := &logtest.Buffer{}
	h := &hook{}
	blocked := make(chan struct{})
	h.after = func(ctx context.Context, info *drayhorse.Info) {
		switch info.Kind {
		case "panics":
			panic("in the hook")
		case "exits":
			runtime.Goexit()
		case "hangs":
			<-ctx.Done()
		case "deaf":
			<-blocked
		}
	}
	r := setup(t, h.set, func(c *worker.Config) { c.Logger = slog.New(slog.NewTextHandler(log, nil)) })
	fail := func(context.Context, *rawJob) error { return errors.New("broken") }
	for _, kind := range []string{"panics", "exits", "hangs", "deaf", "plain"} {
		r.handle(kind, fail)
	}
	r.handle("fine", func(context.Context, *rawJob) error { return nil }).start()
	for _, kind := range []string{"panics", "exits", "hangs", "deaf", "plain"} {
		r.enqueue(kind, drayhorse.MaxAttempts(1))
		r.becomes(r.enqueue("fine", keep).ID, drayhorse.Completed, patience)
	}
	for _, kind := range []string{"panics", "exits", "hangs", "deaf", "plain"} {
		redistest.Eventually(t, patience, kind+" is told", func() bool { return len(h.of(kind)) == 1 })
	}
	redistest.Eventually(t, patience, "the panic is logged", func() bool {
		return strings.Contains(log.String(), "OnDiscard panicked") && strings.Contains(log.String(), "in the hook")
	})
	begun := time.Now()
	r.stop()
	if took := time.Since(begun); took > redistest.Stretch*3*worker.DiscardTimeout {
		t.Errorf("the stop took %v", took)
	}
	if !strings.Contains(log.String(), "calls of OnDiscard do not return") {
		t.Errorf("nothing is said of the call that does not return: %s", log.String())
	}
	close(blocked)
}

// TestOnDiscardLeavesOutWhatIsTooMuch: calls that do not return are bounded, and so are
// the jobs that wait for theirs.
func TestOnDiscardLeavesOutWhatIsTooMuch(t *testing.T) {
	log := &logtest.Buffer{}
	h := &hook{}
	blocked := make(chan struct{})
	h.after = func(context.Context, *drayhorse.Info) { <-blocked }
	r := setup(t, h.set, func(c *worker.Config) {
		c.Concurrency, c.Logger = 50, slog.New(slog.NewTextHandler(log, nil))
	})
	r.handle("fails", func(context.Context, *rawJob) error { return errors.New("broken") })
	const n = 1500
	specs := make([]drayhorse.Spec, n)
	for i := range specs {
		specs[i] = drayhorse.Spec{Args: drayhorse.Raw("fails", nil), Options: []drayhorse.Option{drayhorse.MaxAttempts(1)}}
	}
	infos, err := r.producer.EnqueueMany(t.Context(), specs)
	if err != nil {
		t.Fatal(err)
	}
	r.start()
	for _, info := range infos {
		r.becomes(info.ID, drayhorse.Discarded, patience)
	}
	if got := len(h.of("fails")); got > 8 {
		t.Errorf("%d calls at once; want 8 at most", got)
	}
	close(blocked)
	redistest.Eventually(t, patience, "the others are told, and it is said that some were left out", func() bool {
		return len(h.of("fails")) >= 900 && strings.Contains(log.String(), "OnDiscard is too slow")
	})
	r.stop()
	if got := len(h.of("fails")); got >= n {
		t.Errorf("told of %d jobs; want less than %d", got, n)
	}
}
