package chaos

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
)

var flowRows = []row{
	{name: "flows-killed", target: "each callback and each step is enqueued once, with the right result", alone: true, run: flowsKilled},
	{name: "flows-cluster-killed", target: "all come to an end; what a failover repeats is counted", alone: true, run: flowsClusterKilled},
}

// weaving is batches and flows under way.
type weaving struct {
	*rig
	producer *producer.Producer
	batches  []string
	members  int // of each batch
	flows    []string
	steps    int // of each flow
	want     map[string]map[string]int
	workers  []*process
	repeated int    // calls that were made again, since they had failed
	strike   func() // makes a fault if it is time for one; called again and again
}

// weave submits as many batches and flows as the flags ask for, to three workers.
func (r *rig) weave() *weaving {
	r.Helper()
	p, err := producer.New(producer.Config{RedisURL: r.url, Namespace: r.namespace, Patience: time.Minute})
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { _ = p.Close() })
	w := &weaving{rig: r, producer: p, members: *membersFlag, steps: *stepsFlag, want: map[string]map[string]int{}}
	for range 3 {
		w.workers = append(w.workers, w.weaver())
	}
	return w
}

func (w *weaving) weaver() *process {
	return w.start("weaver", plan{Concurrency: concurrency}, nil).awaitReady()
}

// submit makes all of them. What fails is made again: IDs keep it from coming twice.
func (w *weaving) submit() {
	w.Helper()
	for i := range *flowsFlag {
		id := "flow-" + strconv.Itoa(i)
		f, want := wovenFlow(id, w.steps)
		w.flows, w.want[id] = append(w.flows, id), want
		w.insist(func() error { _, err := w.producer.Submit(w.Context(), f); return err })
	}
	for i := range *flowsFlag {
		id := "batch-" + strconv.Itoa(i)
		w.batches = append(w.batches, id)
		var b *producer.Batch
		w.insist(func() (err error) { b, err = w.producer.NewBatch(w.Context(), wovenBatch(id)); return err })
		for first := 0; first < w.members; first += 1000 {
			var specs []drayhorse.Spec
			for k := first; k < min(first+1000, w.members); k++ {
				args, queue := thread{Name: id}.spec("member", k)
				specs = append(specs, drayhorse.Spec{Args: args, Options: []drayhorse.Option{queue, drayhorse.ID(fmt.Sprintf("%s-%d", id, k))}})
			}
			w.insist(func() error { _, err := b.Add(w.Context(), specs...); return err })
		}
		w.insist(func() error { return b.Close(w.Context()) })
	}
	w.mark("%d batches of %d members and %d flows of %d steps are submitted", len(w.batches), w.members, len(w.flows), w.steps)
}

// insist makes a call until it succeeds.
func (w *weaving) insist(call func() error) {
	w.Helper()
	w.strike()
	redistest.Eventually(w.T, patience, "a call succeeds", func() bool {
		err := call()
		if err != nil {
			w.repeated++
			w.Logf("%v", err)
		}
		return err == nil
	})
}

// open is how many have not ended.
func (w *weaving) open() (n int) {
	w.Helper()
	for _, id := range append(w.batches, w.flows...) {
		if info, err := w.producer.Flow(w.Context(), id); err != nil || info.EndedAt.IsZero() {
			n++
		}
	}
	return n
}

// finish waits until all have ended and their callbacks have run.
func (w *weaving) finish() {
	w.Helper()
	redistest.Eventually(w.T, patience, "all batches and flows have ended", func() bool {
		w.strike()
		return w.open() == 0
	})
	w.rest(3 * patience)
	w.rig.stop()
	w.result.verdict = &verdict{}
}

// counted says how often what is to be once was not: callbacks and steps that no job ran, and
// such that more than one did.
func (w *weaving) counted() (missing, repeated []string) {
	w.Helper()
	ids, lines := w.ran()
	look := func(name string) {
		switch len(ids[name]) {
		case 0:
			missing = append(missing, name)
		case 1:
		default:
			repeated = append(repeated, name)
		}
		delete(ids, name)
	}
	for _, id := range w.batches {
		look(id + "/complete")
		look(id + "/success")
	}
	for id, want := range w.want {
		for name := range want {
			look(id + "/" + name)
		}
	}
	for name := range ids {
		repeated = append(repeated, name) // such as the callback of a failure
	}
	once := 2*len(w.batches) + len(w.flows)*w.steps
	w.result.note("%d of %d batches and flows with %d callbacks and steps: %d ran again after a kill", len(w.batches)+len(w.flows), 2**flowsFlag, once, lines-once)
	return missing, repeated
}

// right checks how each ended, and what the steps came to.
func (w *weaving) right() {
	w.Helper()
	for _, id := range w.batches {
		if info, err := w.producer.Flow(w.Context(), id); err != nil || info.State != flow.Completed || info.Completed != w.members {
			w.missed("batch %s: %+v, %v", id, info, err)
		}
	}
	for id, want := range w.want {
		for name, n := range want {
			var got json.RawMessage
			if err := w.producer.FlowResult(w.Context(), id, name, &got); err != nil || string(got) != strconv.Itoa(n) {
				w.missed("step %s of %s has come to %s, %v; want %d", name, id, got, err, n)
				return
			}
		}
	}
}

// killOne kills a worker, and starts another.
func (w *weaving) killOne() {
	w.Helper()
	i := w.random.IntN(len(w.workers))
	w.mark("%s killed", w.workers[i].plan.Name)
	w.workers[i].kill()
	w.forget(w.workers[i])
	w.workers[i] = w.weaver()
}

// flowsKilled kills workers of batches and flows every few seconds.
func flowsKilled(r *rig) {
	r.redis()
	w := r.weave()
	began, kills := time.Now(), 0
	next := began.Add(time.Second)
	w.strike = func() {
		if time.Now().After(next) {
			w.killOne()
			kills++
			next = time.Now().Add(time.Duration(500+w.random.IntN(3000)) * time.Millisecond)
		}
	}
	w.submit()
	w.finish()
	missing, repeated := w.counted()
	r.result.note("%d workers killed in %.0f s", kills, time.Since(began).Seconds())
	r.atMost("callbacks and steps that were never enqueued", len(missing), 0)
	r.atMost("callbacks and steps that were enqueued again", len(repeated), 0)
	r.atLeast("workers killed", kills, 3)
	w.right()
	enqueued := 0
	for _, queue := range wovenQueues {
		q, err := r.admin.Queue(r.Context(), queue)
		if err != nil {
			r.Fatal(err)
		}
		enqueued += int(q.Totals["enqueued"])
	}
	want := len(w.batches)*(w.members+2) + len(w.flows)*w.steps
	if enqueued != want {
		r.missed("%d jobs were enqueued, want %d", enqueued, want)
	}
	r.result.note("%d jobs enqueued, of %d", enqueued, want)
}

// flowsClusterKilled kills the master that has the first queue, and a worker.
func flowsClusterKilled(r *rig) {
	c := redistest.StartCluster(r.T, 3, 1)
	r.at(c.URL)
	w := r.weave()
	due := time.Now().Add(2 * time.Second)
	w.strike = func() {
		if time.Now().After(due) {
			due = due.Add(time.Hour)
			master := r.masterOfKey(c, r.namespace+":{"+wovenQueues[0]+"}:jobs")
			w.mark("the master of %s killed", wovenQueues[0])
			c.Kill(r.T, master)
			w.killOne()
		}
	}
	w.submit()
	w.finish()
	missing, repeated := w.counted()
	r.result.note("%d callbacks and steps enqueued again, %d never; %d calls made again", len(repeated), len(missing), w.repeated)
	r.atMost("callbacks and steps that were never enqueued", len(missing), 0)
	w.right()
}
