package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/worker"
)

// wovenQueues are those of members, steps and callbacks of the rows of flows.
var wovenQueues = []string{"woven-0", "woven-1", "woven-2", "woven-3", "woven-4"}

// ranFile is what a weaver writes: a line for each execution, NAME and the job's ID.
const ranFile = ".ran"

// woven keeps sums of steps small.
const woven = 1_000_003

// thread is the arguments of a member, a step or a callback.
type thread struct {
	Name string   `json:"name"`         // whose it is: of a step with its flow, of a callback with its batch
	Of   []string `json:"of,omitempty"` // the steps that it adds up
}

// weave is main of a worker of batches and flows. A member does nothing; a step adds one to
// what those before it have come to.
func weave(ctx context.Context, p *plan, j *journal) error {
	queues := map[string]int{}
	for _, q := range wovenQueues {
		queues[q] = 1
	}
	w, err := worker.New(worker.Config{
		RedisURL: p.URL, Namespace: p.Namespace, Queues: queues, Concurrency: p.Concurrency, Logger: p.logger(),
		Retry: worker.Exponential(leastBackoff, mostBackoff),
	})
	if err != nil {
		return err
	}
	ran, err := os.OpenFile(filepath.Join(p.Dir, p.Name+ranFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	worker.HandleKind(w, "member", func(context.Context, *drayhorse.Job[thread]) error { return nil })
	worker.HandleKind(w, "callback", func(_ context.Context, job *drayhorse.Job[thread]) error {
		_, err := fmt.Fprintf(ran, "%s %s\n", job.Args.Name, job.ID)
		return err
	})
	worker.HandleKind(w, "step", func(ctx context.Context, job *drayhorse.Job[thread]) error {
		if _, err := fmt.Fprintf(ran, "%s %s\n", job.Args.Name, job.ID); err != nil {
			return err
		}
		sum := 1
		for _, name := range job.Args.Of {
			var n int
			if err := flow.Result(ctx, name, &n); err != nil {
				return err
			}
			sum += n
		}
		return job.SetResult(sum % woven)
	})
	go p.watch(ctx, j, w.Ready)
	return w.Run(ctx)
}

// ran gives, by name, the IDs of the jobs that have run as it, and how many lines there are.
func (r *rig) ran() (ids map[string]map[string]bool, lines int) {
	r.Helper()
	ids = map[string]map[string]bool{}
	files, err := filepath.Glob(filepath.Join(r.dir, "*"+ranFile))
	if err != nil {
		r.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			r.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			name, id, whole := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
			if !whole {
				continue // its writer was killed
			}
			if ids[name] == nil {
				ids[name] = map[string]bool{}
			}
			ids[name][id] = true
			lines++
		}
	}
	return ids, lines
}

// spec makes a job of a kind in the i-th queue.
func (t thread) spec(kind string, i int) (drayhorse.Args, drayhorse.Option) {
	args, err := json.Marshal(t)
	if err != nil {
		panic(err) // texts
	}
	return drayhorse.Raw(kind, args), drayhorse.Queue(wovenQueues[i%len(wovenQueues)])
}

// wovenFlow makes a flow of n steps in layers of ten, each after up to three of the layer
// before, and says what each comes to.
func wovenFlow(id string, n int) (f *flow.Flow, want map[string]int) {
	const wide = 10
	f, want = flow.New(id), map[string]int{}
	var before, layer []*flow.Step
	for i := range n {
		name := fmt.Sprintf("s%d", i)
		t, after := thread{Name: id + "/" + name}, []*flow.Step{}
		want[name] = 1
		for k := range min(len(before), 1+i%3) {
			other := before[(i+k)%len(before)]
			t.Of, after = append(t.Of, other.Name), append(after, other)
			want[name] = (want[name] + want[other.Name]) % woven
		}
		args, queue := t.spec("step", i)
		if layer = append(layer, f.Step(name, args, queue).After(after...)); len(layer) == wide {
			before, layer = layer, nil
		}
	}
	return f, want
}

// wovenBatch is a batch whose callbacks tell of it.
func wovenBatch(id string) flow.Batch {
	call := func(of string) *drayhorse.Spec {
		args, queue := thread{Name: id + "/" + of}.spec("callback", len(of))
		return flow.Call(args, queue)
	}
	return flow.Batch{ID: id, OnComplete: call("complete"), OnSuccess: call("success"), OnFailure: call("failure"), Retain: time.Hour}
}
