package flows

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// rig is a store of a namespace of its own.
type rig struct {
	*testing.T
	store *Store
	made  time.Time // of the flow
}

// newStore is a store of a namespace of its own.
func newStore(t *testing.T) *Store {
	t.Helper()
	client, err := redis.Open(redis.Config{URL: redistest.Shared(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	namespace := redistest.Namespace(t)
	return New(jobs.New(client, namespace), namespace)
}

func newRig(t *testing.T, f *flow.Flow) *rig {
	t.Helper()
	r := &rig{T: t, store: newStore(t)}
	info, err := r.store.Submit(t.Context(), f, 1000)
	if err != nil {
		t.Fatal(err)
	}
	r.made = info.CreatedAt
	return r
}

// tell tells the flow f what a run of a step has come to, and gives the answer.
func (r *rig) tell(ref, row, result string) string {
	r.Helper()
	value, err := r.store.run(r.Context(), outcomesScript, "f", r.made.UnixMilli(), ref, row, result)
	if err != nil {
		r.Fatal(err)
	}
	return redis.AsString(redis.AsList(value)[1])
}

// wants wants a step to be in a state and its run of a number.
func (r *rig) wants(step int, state flow.StepState, run int) {
	r.Helper()
	info, err := r.store.GetWithSteps(r.Context(), "f")
	if err != nil {
		r.Fatal(err)
	}
	if s := info.Steps[step]; s.State != state || s.Run != run {
		r.Errorf("step %d is %s in run %d, want %s in run %d", step, s.State, s.Run, state, run)
	}
}

// TestWhatIsOldCountsForNothing: an older row of a run, and any row of an earlier run.
func TestWhatIsOldCountsForNothing(t *testing.T) {
	t.Parallel()
	f := flow.New("f")
	a := f.Step("a", note{})
	f.Step("b", note{}).After(a)
	r := newRig(t, f)
	if taken := r.tell("0.0", "10|1|1|0|0", "7"); taken != "1" {
		t.Errorf("taken: %s", taken)
	}
	r.wants(0, flow.StepCompleted, 1)
	r.wants(1, flow.StepRunning, 1)
	r.tell("0.0", "9|1|0|1|0", "")
	r.wants(0, flow.StepCompleted, 1)
	if _, err := r.store.Retry(t.Context(), "f", flow.All); err != nil {
		t.Fatal(err)
	}
	r.wants(0, flow.StepRunning, 2)
	if taken := r.tell("0.0", "20|1|1|0|0", "8"); taken != "0" {
		t.Errorf("taken of an earlier run: %s", taken)
	}
	r.wants(0, flow.StepRunning, 2)
	if result, err := r.store.Result(t.Context(), "f", r.made, "a"); err == nil {
		t.Errorf("its result is %s", result)
	}
	if taken := r.tell("5.0", "20|1|1|0|0", ""); taken != "0" {
		t.Errorf("taken of a step that is none: %s", taken)
	}
}

// TestARetryTakesNoNewsIn while it goes over the steps, in several calls: they are told again.
func TestARetryTakesNoNewsIn(t *testing.T) {
	t.Parallel()
	f := flow.New("f")
	first := f.Step("first", note{})
	for i := range 450 {
		f.Step(fmt.Sprint("s", i), note{}).AfterEnd(first)
	}
	r := newRig(t, f)
	r.tell("0.0", "10|1|0|1|0", "")
	if err := r.store.Drain(t.Context(), "f"); err != nil { // 450 begin
		t.Fatal(err)
	}
	r.tell("1.0", "10|1|0|1|0", "")
	if _, err := r.store.Retry(t.Context(), "f", flow.FailedOnly); err != nil {
		t.Fatal(err)
	}
	if taken := r.tell("0.1", "20|1|1|0|0", ""); taken != "2" {
		t.Errorf("taken meanwhile: %s", taken)
	}
	r.wants(0, flow.StepRunning, 2)
	if err := r.store.Drain(t.Context(), "f"); err != nil {
		t.Fatal(err)
	}
	if taken := r.tell("0.1", "20|1|1|0|0", ""); taken != "1" {
		t.Errorf("taken then: %s", taken)
	}
	r.wants(0, flow.StepCompleted, 2)
	r.wants(1, flow.StepRunning, 2) // it waited for the other, and no longer
}

// isDue has the time come at which the flow is looked at.
func (r *rig) isDue() {
	r.Helper()
	sh := r.store.shardOf("f")
	if err := r.store.client.ZAdd(r.Context(), sh.keys[slices.Index(library.Columns(), "timers")], zOf("f")).Err(); err != nil {
		r.Fatal(err)
	}
}

// hasten has that time come, and does what the flow wants then.
func (r *rig) hasten() {
	r.Helper()
	r.isDue()
	if err := r.store.Watch(r.Context(), 0); err != nil {
		r.Fatal(err)
	}
}

// TestAJobOnItsWayIsNotAskedAfter: it is not there yet, which is not to count as lost. Ops reach
// a partition in any order where several relays carry them, which random runs hardly meet.
func TestAJobOnItsWayIsNotAskedAfter(t *testing.T) {
	t.Parallel()
	f := flow.New("f")
	f.Step("a", note{})
	r := newRig(t, f)
	r.isDue()
	waiting, err := r.store.run(t.Context(), tickScript, "f")
	if err != nil || redis.AsInt(waiting) != 1 {
		t.Errorf("%v ops wait (%v), want the one that enqueues the job", waiting, err)
	}
}

// TestAStepWhoseJobIsLostRunsAgain: Redis has gone back to before its job was there. One that is
// there runs on, one whose queue was deleted is cancelled.
func TestAStepWhoseJobIsLostRunsAgain(t *testing.T) {
	t.Parallel()
	f := flow.New("f")
	for _, name := range []string{"lost", "there", "gone", "untold"} {
		f.Step(name, note{}, drayhorse.Queue(name))
	}
	r := newRig(t, f)
	if err := r.store.Drain(t.Context(), "f"); err != nil {
		t.Fatal(err)
	}
	part := map[string]*jobs.Partition{}
	for _, name := range []string{"lost", "there", "gone", "untold"} {
		parts, err := r.store.engine.Lookup(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		part[name] = parts[0]
	}
	if _, err := part["lost"].Purge(t.Context(), drayhorse.Available); err != nil {
		t.Fatal(err)
	}
	if err := part["lost"].Forget(t.Context(), jobs.StepLink("f", r.made, 0, 0)); err != nil {
		t.Fatal(err)
	}
	if dropped := r.store.engine.DropQueues(t.Context(), true, "gone"); dropped[0].Err != nil {
		t.Fatal(dropped[0].Err)
	}
	if _, err := part["untold"].Purge(t.Context(), drayhorse.Available); err != nil {
		t.Fatal(err)
	}
	rows, _, err := part["untold"].News(t.Context(), 0)
	if err == nil {
		err = part["untold"].Told(t.Context(), false, rows...) // and the flow has forgotten it
	}
	if err != nil {
		t.Fatal(err)
	}
	r.hasten()
	for _, p := range []string{"lost", "there", "untold"} {
		if err := r.store.Relay(t.Context(), part[p]); err != nil {
			t.Fatal(err)
		}
	}
	r.wants(0, flow.StepRunning, 2)
	r.wants(1, flow.StepRunning, 1)
	r.wants(2, flow.StepCancelled, 1)
	r.wants(3, flow.StepCancelled, 1)
	info, err := r.store.GetWithSteps(t.Context(), "f")
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"lost", "there"} {
		if job, err := part[name].Get(t.Context(), jobs.PackID(info.Steps[i].JobID)); err != nil || job.State != drayhorse.Available {
			t.Errorf("the job of step %s: %+v, %v", name, job, err)
		}
	}
}
