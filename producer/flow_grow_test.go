package producer_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/worker"
)

// grown is a step that adds others, as many as it is told, each time that it runs.
type grown struct {
	More int
	Fail int // attempts that fail after that
}

func (grown) Kind() string { return "grown" }

// TestAFlowThatGrows: a step adds steps that come after it, after one that has failed and one that waits,
// and its next attempt adds none twice.
func TestAFlowThatGrows(t *testing.T) {
	t.Parallel()
	url, namespace := redistest.Shared(t), redistest.Namespace(t)
	p := open(t, producer.Config{RedisURL: url, Namespace: namespace})
	s := &sums{}
	w, err := worker.New(worker.Config{RedisURL: url, Namespace: namespace, Queues: map[string]int{"one": 1}, Retry: worker.Constant(0)})
	if err != nil {
		t.Fatal(err)
	}
	one := drayhorse.Queue("one")
	worker.Handle(w, s.handle)
	worker.Handle(w, func(ctx context.Context, job *drayhorse.Job[grown]) error {
		more := flow.New("")
		last := more.Step("last", sum{Of: []string{"grow"}}, one).After(more.Existing("grow"))
		for i := range job.Args.More {
			s := more.Step(fmt.Sprint("more", i), sum{Of: []string{"grow"}}, one).After(more.Existing("grow"))
			last.After(s)
		}
		more.Step("never", sum{}, one).After(more.Existing("bad"))
		more.Step("anyway", sum{}, one).AfterEnd(more.Existing("bad"))
		if err := flow.Extend(ctx, more); err != nil {
			return drayhorse.Discard(err)
		}
		other := flow.New("")
		other.Step("last", sum{}, one)
		if err := flow.Extend(ctx, other); !errors.Is(err, drayhorse.ErrDuplicate) {
			return drayhorse.Discard(fmt.Errorf("another step of that name: %w", err))
		}
		other = flow.New("")
		other.Step("new", sum{}, one).After(other.Existing("nowhere"))
		if err := flow.Extend(ctx, other); !errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(err.Error(), "nowhere") {
			return drayhorse.Discard(fmt.Errorf("after a step that is not there: %w", err))
		}
		if job.Attempt <= job.Args.Fail {
			return errors.New("once more")
		}
		return job.SetResult(1)
	})
	keepRunning(t, w)
	f := flow.New("f")
	bad := f.Step("bad", sum{Fail: true}, one)
	f.Step("grow", grown{More: 5, Fail: 2}, one).AfterEnd(bad)
	submit(t, p, f)
	info := await(t, p, "f")
	want := "anyway:completed bad:discarded grow:completed last:completed more0:completed more1:completed more2:completed more3:completed more4:completed never:cancelled"
	if info, err = p.Flow(t.Context(), "f"); err != nil || states(info) != want || info.Total != 10 || info.State != flow.Failed || s.runs() != 8 {
		t.Errorf("%s, %d runs, %+v, %v", states(info), s.runs(), info, err)
	}
	again := flow.New("")
	again.Step("a", sum{}).After(again.Existing("b"))
	if _, err := p.Submit(t.Context(), again); !errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(err.Error(), "flow.Extend") {
		t.Errorf("existing steps of no flow: %v", err)
	}
	if err := flow.Extend(t.Context(), again); !errors.Is(err, drayhorse.ErrInvalid) {
		t.Errorf("outside a step: %v", err)
	}
}
