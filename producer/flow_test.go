package producer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/worker"
)

// sum is a step whose result is the sum of those that it names, and one more.
type sum struct {
	Of   []string
	Fail bool
}

func (sum) Kind() string { return "sum" }

// sums is a worker that runs such steps, and what has run.
type sums struct {
	mu     sync.Mutex
	ran    []string // IDs of jobs
	mended bool     // nothing fails any more
}

func (s *sums) runs() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.ran)
}

func (s *sums) mend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mended = true
}

func (s *sums) handle(ctx context.Context, job *drayhorse.Job[sum]) error {
	s.mu.Lock()
	s.ran = append(s.ran, job.ID)
	mended := s.mended
	s.mu.Unlock()
	if job.Args.Fail && !mended {
		return drayhorse.Discard(errors.New("it cannot be done"))
	}
	total := 1
	for _, name := range job.Args.Of {
		var n int
		err := flow.Result(ctx, name, &n)
		if err != nil && !errors.Is(err, drayhorse.ErrNoResult) {
			return err
		}
		total += n
	}
	return job.SetResult(total)
}

func workSums(t *testing.T, url, namespace string, queues ...string) *sums {
	t.Helper()
	s := &sums{}
	cfg := worker.Config{RedisURL: url, Namespace: namespace, Queues: map[string]int{}, Concurrency: 8}
	for _, q := range queues {
		cfg.Queues[q] = 1
	}
	w, err := worker.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	worker.Handle(w, s.handle)
	keepRunning(t, w)
	return s
}

func submit(t *testing.T, p *producer.Producer, f *flow.Flow) *flow.Info {
	t.Helper()
	info, err := p.Submit(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// states gives those of all steps, in a line, sorted.
func states(info *flow.Info) string {
	var all []string
	for _, s := range info.Steps {
		all = append(all, s.Name+":"+string(s.State))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// until waits until the steps of a flow are in such states.
func until(t *testing.T, p *producer.Producer, id, want string) *flow.Info {
	t.Helper()
	var info *flow.Info
	redistest.Eventually(t, 30*time.Second, id+" "+want, func() bool {
		var err error
		if info, err = p.Flow(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		return states(info) == want
	})
	return info
}

// TestAFlowHandsResultsOn: on a single server and on a Cluster.
func TestAFlowHandsResultsOn(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{"single": redistest.Shared(t), "cluster": redistest.SharedCluster(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			namespace := redistest.Namespace(t)
			p := open(t, producer.Config{RedisURL: url, Namespace: namespace})
			draw := func() *flow.Flow {
				f := flow.New("order-42")
				a := f.Step("a", sum{}, drayhorse.Queue("one"))
				b := f.Step("b", sum{Of: []string{"a"}}, drayhorse.Queue("two")).After(a)
				ok := f.Signal("ok", time.Hour).After(a)
				c := f.Step("c", sum{Of: []string{"a", "ok"}}, drayhorse.Queue("one")).After(a, ok).Delay(10 * time.Millisecond)
				f.Step("d", sum{Of: []string{"b", "c"}}, drayhorse.Queue("two")).After(b, c)
				return f
			}
			if info := submit(t, p, draw()); info.Duplicate || info.Total != 5 || info.State != flow.Running || info.Running != 1 || info.Waiting != 4 {
				t.Errorf("%+v", info)
			}
			if info := submit(t, p, draw()); !info.Duplicate || info.Total != 5 {
				t.Errorf("once more: %+v", info)
			}
			other := draw()
			other.Step("e", sum{})
			if _, err := p.Submit(t.Context(), other); !errors.Is(err, drayhorse.ErrDuplicate) || !strings.Contains(err.Error(), "order-42") {
				t.Errorf("another one of that ID: %v", err)
			}
			if _, err := p.NewBatch(t.Context(), flow.Batch{ID: "order-42"}); !errors.Is(err, drayhorse.ErrDuplicate) {
				t.Errorf("a batch of that ID: %v", err)
			}
			s := workSums(t, url, namespace, "one", "two")
			info := until(t, p, "order-42", "a:completed b:completed c:waiting d:waiting ok:running")
			for _, step := range info.Steps {
				if step.Name == "c" && (fmt.Sprint(step.After) != "[a ok]" || fmt.Sprint(step.WaitsFor) != "[ok]") {
					t.Errorf("%+v", step)
				}
			}
			signal := func(value int, key string) error {
				return p.Signal(t.Context(), "order-42", "ok", value, flow.Key(key), flow.Sender("ann"))
			}
			if err := errors.Join(signal(5, "k"), signal(5, "k")); err != nil {
				t.Error(err)
			}
			if err := signal(6, "other"); !errors.Is(err, drayhorse.ErrSignalled) {
				t.Errorf("another signal: %v", err)
			}
			info = await(t, p, "order-42")
			if info.State != flow.Completed || info.Completed != 5 || s.runs() != 4 {
				t.Errorf("%+v, %d runs", info, s.runs())
			}
			// a is 1, b 2, c 1 + 1 + 5, d 1 + 2 + 7.
			job, err := p.Get(t.Context(), jobOf(info, "d"))
			if !errors.Is(err, drayhorse.ErrNotFound) { // the flow has its result, and nobody asked for more
				t.Errorf("%+v, %v", job, err)
			}
			var got, value int
			var wrong []string
			if err := errors.Join(p.FlowResult(t.Context(), "order-42", "d", &got), p.FlowResult(t.Context(), "order-42", "ok", &value)); err != nil || got != 10 || value != 5 {
				t.Errorf("the results are %d and %d, %v", got, value, err)
			}
			if err := p.FlowResult(t.Context(), "order-42", "d", &wrong); !errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(err.Error(), "does not fit a *[]string") {
				t.Errorf("as texts: %v", err)
			}
			if err := p.FlowResult(t.Context(), "order-42", "e", &got); !errors.Is(err, drayhorse.ErrInvalid) {
				t.Errorf("of no step: %v", err)
			}
		})
	}
}

func jobOf(info *flow.Info, name string) string {
	for _, s := range info.Steps {
		if s.Name == name {
			return s.JobID
		}
	}
	return ""
}

// TestPoliciesOfEdges: each of them, for each sort of bad end.
func TestPoliciesOfEdges(t *testing.T) {
	t.Parallel()
	url, namespace := redistest.Shared(t), redistest.Namespace(t)
	s := workSums(t, url, namespace, "one")
	p := open(t, producer.Config{RedisURL: url, Namespace: namespace})
	draw := func(id string, first func(f *flow.Flow) *flow.Step) {
		f := flow.New(id)
		a := first(f)
		one := drayhorse.Queue("one")
		b := f.Step("b", sum{}, one).After(a)
		f.Step("c", sum{}, one).After(b)
		f.Step("d", sum{Of: []string{"a"}}, one).AfterEnd(a)
		f.Step("e", sum{Of: []string{"a"}}, one).AfterHold(a)
		f.Step("f", sum{}, one).AfterEnd(b)
		submit(t, p, f)
	}
	draw("discarded", func(f *flow.Flow) *flow.Step { return f.Step("a", sum{Fail: true}, drayhorse.Queue("one")) })
	draw("expired", func(f *flow.Flow) *flow.Step { return f.Signal("a", time.Millisecond) })
	draw("cancelled", func(f *flow.Flow) *flow.Step {
		return f.Step("a", sum{}, drayhorse.Queue("nobody"))
	})
	draw("deleted", func(f *flow.Flow) *flow.Step { return f.Step("a", sum{}, drayhorse.Queue("nobody")) })
	rest := " b:cancelled c:cancelled d:completed e:held f:completed"
	if err := p.Cancel(t.Context(), jobOf(until(t, p, "cancelled", "a:running b:waiting c:waiting d:waiting e:waiting f:waiting"), "a")); err != nil {
		t.Fatal(err)
	}
	operator, err := admin.New(admin.Config{RedisURL: url, Namespace: namespace})
	if err != nil {
		t.Fatal(err)
	}
	defer operator.Close()
	if err := operator.Delete(t.Context(), "nobody", jobOf(until(t, p, "deleted", "a:running b:waiting c:waiting d:waiting e:waiting f:waiting"), "a")); err != nil {
		t.Fatal(err)
	}
	info := until(t, p, "discarded", "a:discarded"+rest)
	until(t, p, "expired", "a:discarded"+rest)
	until(t, p, "cancelled", "a:cancelled"+rest)
	until(t, p, "deleted", "a:cancelled"+rest)
	if info.State != flow.Running || info.Waiting != 1 || info.Discarded != 1 || info.Cancelled != 2 {
		t.Errorf("%+v", info)
	}

	// An operator retries the job: what was held goes on, with its result.
	s.mend()
	if err := p.Retry(t.Context(), jobOf(info, "a")); err != nil {
		t.Fatal(err)
	}
	if info := await(t, p, "discarded"); states(info) != "a:completed b:cancelled c:cancelled d:completed e:completed f:completed" || info.State != flow.Failed {
		t.Errorf("%s %s", info.State, states(info))
	}
	var got json.RawMessage
	if err := p.FlowResult(t.Context(), "discarded", "e", &got); err != nil || string(got) != "2" {
		t.Errorf("e is %s, %v, want 1 more than the a that was mended", got, err)
	}
	// A retry of the flow has the rest run, and no step that has completed.
	before := s.runs()
	if err := p.RetryFlow(t.Context(), "discarded", flow.FailedAndDownstream); err != nil {
		t.Fatal(err)
	}
	if info := await(t, p, "discarded"); info.State != flow.Completed || s.runs() != before+2 {
		t.Errorf("%s %s, %d runs", info.State, states(info), s.runs()-before)
	}
	if err := p.RetryFlow(t.Context(), "discarded", flow.All); err != nil {
		t.Fatal(err)
	}
	if info := await(t, p, "discarded"); info.State != flow.Completed || s.runs() != before+8 || info.Steps[0].Run != 2 {
		t.Errorf("%s %s, %d runs", info.State, states(info), s.runs()-before)
	}
	if err := p.CancelFlow(t.Context(), "expired"); err != nil {
		t.Fatal(err)
	}
	if info := await(t, p, "expired"); info.State != flow.Cancelled || info.Reason != "cancelled" {
		t.Errorf("%+v", info)
	}
	if err := p.Signal(t.Context(), "expired", "a", 1); !errors.Is(err, drayhorse.ErrSignalLate) {
		t.Errorf("a signal that comes too late: %v", err)
	}
}

// TestAnEndThatMovesCountsOnce: a step that completes, then fails when an operator has it run again, and
// then completes once more, has met what comes after it once.
func TestAnEndThatMovesCountsOnce(t *testing.T) {
	t.Parallel()
	url, namespace := redistest.Shared(t), redistest.Namespace(t)
	p := open(t, producer.Config{RedisURL: url, Namespace: namespace})
	var fails atomic.Bool
	w, err := worker.New(worker.Config{RedisURL: url, Namespace: namespace, Queues: map[string]int{"one": 1}})
	if err != nil {
		t.Fatal(err)
	}
	worker.Handle(w, func(context.Context, *drayhorse.Job[sum]) error {
		if fails.Load() {
			return drayhorse.Discard(errors.New("it cannot be done"))
		}
		return nil
	})
	keepRunning(t, w)
	f := flow.New("f")
	a := f.Step("a", sum{}, drayhorse.Queue("one"), drayhorse.Retain(time.Hour))
	f.Step("b", sum{}, drayhorse.Queue("one")).AfterHold(a, f.Signal("s", time.Hour), f.Signal("u", time.Hour))
	submit(t, p, f)
	info := until(t, p, "f", "a:completed b:waiting s:running u:running")
	for _, state := range []string{"discarded", "completed", "discarded", "completed"} {
		fails.Store(state == "discarded")
		if err := p.Retry(t.Context(), jobOf(info, "a")); err != nil {
			t.Fatal(err)
		}
		until(t, p, "f", "a:"+state+" b:waiting s:running u:running")
	}
	if err := errors.Join(p.Signal(t.Context(), "f", "s", 1), p.Signal(t.Context(), "f", "u", 1)); err != nil {
		t.Fatal(err)
	}
	if info := await(t, p, "f"); info.State != flow.Completed {
		t.Errorf("%+v", info)
	}
}

// TestACancelledFlow: nothing of it runs any more, whatever its edges say; and a retry has it go on.
func TestACancelledFlow(t *testing.T) {
	t.Parallel()
	url, namespace := redistest.Shared(t), redistest.Namespace(t)
	p := open(t, producer.Config{RedisURL: url, Namespace: namespace})
	f := flow.New("f")
	a := f.Step("a", sum{}, drayhorse.Queue("one"))
	f.Step("b", sum{}, drayhorse.Queue("one")).AfterEnd(a)
	submit(t, p, f)
	if err := p.CancelFlow(t.Context(), "f"); err != nil {
		t.Fatal(err)
	}
	s := workSums(t, url, namespace, "one")
	if info := await(t, p, "f"); info.State != flow.Cancelled || info.Cancelled != 2 || s.runs() != 0 {
		t.Errorf("%+v, %d runs", info, s.runs())
	}
	if err := p.CancelFlow(t.Context(), "f"); !errors.Is(err, drayhorse.ErrFlowEnded) {
		t.Errorf("once more: %v", err)
	}
	if err := p.RetryFlow(t.Context(), "f", flow.FailedAndDownstream); err != nil {
		t.Fatal(err)
	}
	if info := await(t, p, "f"); info.State != flow.Completed || s.runs() != 2 {
		t.Errorf("%+v, %d runs", info, s.runs())
	}
}

// TestALargeFlow is stored in parts, and nothing runs before all of it is there.
func TestALargeFlow(t *testing.T) {
	t.Parallel()
	url, namespace := redistest.Shared(t), redistest.Namespace(t)
	s := workSums(t, url, namespace, "one", "two")
	p := open(t, producer.Config{RedisURL: url, Namespace: namespace})
	f := flow.New("")
	const wide = 600
	first := f.Step("first", sum{}, drayhorse.Queue("one"))
	last := f.Step("last", sum{}, drayhorse.Queue("two"))
	for i := range wide {
		s := f.Step(fmt.Sprint("s", i), sum{Of: []string{"first"}}, drayhorse.Queue([]string{"one", "two"}[i%2])).After(first)
		last.After(s)
	}
	info := submit(t, p, f)
	if info = await(t, p, info.ID); info.State != flow.Completed || info.Completed != wide+2 || s.runs() != wide+2 {
		t.Errorf("%+v, %d runs", info, s.runs())
	}
}

// TestFlowsThatCannotBe: all that is wrong is said at once, and names what it is about.
func TestFlowsThatCannotBe(t *testing.T) {
	t.Parallel()
	p := open(t, producer.Config{RedisURL: redistest.Shared(t), Namespace: redistest.Namespace(t)})
	f, other := flow.New("a b"), flow.New("")
	f.Deadline = -time.Second
	a := f.Step("a", sum{})
	b := f.Step("b", sum{}).After(a)
	c := f.Step("c", sum{}).After(b)
	b.AfterEnd(c)
	f.Step("c", sum{}).After(other.Step("elsewhere", sum{}), nil)
	f.Step("a|b", sum{}).After(a).AfterHold(a)
	f.Signal("s", 0).Delay(time.Second)
	_, err := p.Submit(t.Context(), f)
	if !errors.Is(err, drayhorse.ErrInvalid) {
		t.Fatal(err)
	}
	for _, want := range []string{
		`id "a b"`, "Deadline -1s", "b after c after b", `2 steps have the name "c"`, `step "c" comes after "elsewhere", which is no step of this flow`,
		`step "c" comes after a step that is nil`, `step "a|b"; want a name`, `step "a|b" comes after "a" twice`, `signal "s" with timeout 0s`, `signal "s" with Delay 1s`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in\n%v", want, err)
		}
	}
	f = flow.New("")
	f.Step("a", sum{}, drayhorse.ID("x"))
	f.Step("b", sum{}, drayhorse.Unique(drayhorse.UniqueBy{}))
	f.Step("c", sum{}, drayhorse.In(time.Second))
	f.Step("d", nil)
	f.Step("e", sum{}, drayhorse.At(time.Now())).Delay(time.Second)
	f.Step("f", sum{}, drayhorse.Durable(1))
	_, err = p.Submit(t.Context(), f)
	for _, want := range []string{`step "a": invalid: ID("x")`, `step "b": invalid: Unique`, `step "c": invalid: In(1s) for a step; want Delay`, `step "d": invalid: arguments are nil`, `step "e": invalid: Delay(1s) and At(`, `step "f": invalid: Durable(1)`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in\n%v", want, err)
		}
	}
	many := flow.New("")
	for i := range flow.MaxSteps + 1 {
		many.Step(fmt.Sprint("s", i), sum{})
	}
	for f, want := range map[*flow.Flow]string{many: "a flow of 10001 steps; want 1 to 10000", flow.New(""): "a flow of 0 steps"} {
		if _, err := p.Submit(t.Context(), f); !errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %s", err, want)
		}
	}
}
