package drayhorsetest_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/drayhorsetest"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/worker"
)

// nest is batches and flows that are members of batches, with a worker whose jobs for the users in broken fail.
type nest struct {
	*drayhorsetest.Env
	t      *testing.T
	worker *worker.Worker
	broken map[int64]bool
	said   []string // by callbacks
}

func newNest(t *testing.T) *nest {
	t.Parallel()
	n := &nest{Env: drayhorsetest.New(t), t: t, broken: map[int64]bool{}}
	n.worker = newWorker(t, n.Env)
	worker.Handle(n.worker, func(_ context.Context, job *drayhorse.Job[welcome]) error {
		if n.broken[job.Args.UserID] {
			return errors.New("broken")
		}
		return nil
	})
	worker.Handle(n.worker, func(_ context.Context, job *drayhorse.Job[after]) error {
		n.said = append(n.said, job.Args.What)
		return nil
	})
	return n
}

func (n *nest) must(err error) {
	n.t.Helper()
	if err != nil {
		n.t.Fatal(err)
	}
}

// calling is a batch whose callbacks say its ID.
func calling(id string) flow.Batch {
	return flow.Batch{ID: id, OnComplete: flow.Call(after{id + " complete"}), OnSuccess: flow.Call(after{id + " success"}), OnFailure: flow.Call(after{id + " failure"})}
}

func (n *nest) batch(id string) *producer.Batch {
	n.t.Helper()
	b, err := n.Producer.NewBatch(n.t.Context(), calling(id))
	n.must(err)
	return b
}

func (n *nest) child(of *producer.Batch, id string, users ...int64) *producer.Batch {
	n.t.Helper()
	b, err := of.AddBatch(n.t.Context(), calling(id))
	n.must(err)
	for _, user := range users {
		_, err := b.Add(n.t.Context(), member(user))
		n.must(err)
	}
	return b
}

func member(user int64) drayhorse.Spec {
	return drayhorse.Spec{Args: welcome{UserID: user}, Options: []drayhorse.Option{drayhorse.MaxAttempts(1)}}
}

func (n *nest) closes(all ...*producer.Batch) {
	n.t.Helper()
	for _, b := range all {
		n.must(b.Close(n.t.Context()))
	}
}

// works has all that is due done, and flows watched.
func (n *nest) works() {
	n.Work(n.worker)
	n.Advance(3 * time.Second)
	n.Work(n.worker)
}

func (n *nest) wants(id string, state flow.State, total, completed, discarded, cancelled int) {
	n.t.Helper()
	info, err := n.Producer.Flow(n.t.Context(), id)
	n.must(err)
	if info.State != state || info.Total != total || info.Completed != completed || info.Discarded != discarded || info.Cancelled != cancelled {
		n.t.Errorf("%s is %s, %d of %d completed, %d discarded, %d cancelled; want %s, %d of %d, %d, %d",
			id, info.State, info.Completed, info.Total, info.Discarded, info.Cancelled, state, completed, total, discarded, cancelled)
	}
}

func (n *nest) saidOnce(want ...string) {
	n.t.Helper()
	slices.Sort(n.said)
	slices.Sort(want)
	if !slices.Equal(n.said, want) {
		n.t.Errorf("callbacks %q; want %q", n.said, want)
	}
}

// TestBatchesInBatches: each is a member of the one above, and ends once that has what it waits for.
func TestBatchesInBatches(t *testing.T) {
	n := newNest(t)
	top := n.batch("top")
	middle := n.child(top, "middle", 1, 2)
	bottom := n.child(middle, "bottom", 3)
	f := flow.New("steps")
	f.Step("b", welcome{UserID: 5}).After(f.Step("a", welcome{UserID: 4}))
	for range 2 { // a repeat is the same member
		_, err := top.AddFlow(t.Context(), f)
		n.must(err)
	}
	if again, err := top.AddBatch(t.Context(), calling("middle")); err != nil || !again.Duplicate {
		t.Errorf("%+v, %v; want the member that is there", again, err)
	}
	n.closes(top, middle)
	n.works()
	n.wants("steps", flow.Completed, 2, 2, 0, 0)
	n.wants("middle", flow.Running, 3, 2, 0, 0)
	n.wants("top", flow.Running, 2, 1, 0, 0)
	n.saidOnce()
	n.closes(bottom)
	n.works()
	n.wants("bottom", flow.Completed, 1, 1, 0, 0)
	n.wants("middle", flow.Completed, 3, 3, 0, 0)
	n.wants("top", flow.Completed, 2, 2, 0, 0)
	n.saidOnce("bottom complete", "bottom success", "middle complete", "middle success", "top complete", "top success")
	n.Advance(flow.DefaultRetain + time.Hour)
	n.works()
	for _, id := range []string{"top", "middle", "bottom", "steps"} {
		if _, err := n.Producer.Flow(t.Context(), id); !errors.Is(err, drayhorse.ErrNotFound) {
			t.Errorf("%s after its time: %v", id, err)
		}
	}
}

// TestABatchWhoseMemberFails fails with it, and succeeds when that is mended: a batch by a retry of its job, a flow by its own.
func TestABatchWhoseMemberFails(t *testing.T) {
	n := newNest(t)
	n.broken[1], n.broken[2] = true, true
	top := n.batch("top")
	middle := n.child(top, "middle")
	info, err := middle.Add(t.Context(), member(1))
	n.must(err)
	f := flow.New("steps")
	f.Step("a", member(2).Args, drayhorse.MaxAttempts(1))
	_, err = top.AddFlow(t.Context(), f)
	n.must(err)
	n.closes(top, middle)
	n.works()
	n.wants("top", flow.Failed, 2, 0, 2, 0)
	n.saidOnce("middle failure", "middle complete", "top failure", "top complete")
	n.broken, n.said = nil, nil
	n.must(n.Admin.Retry(t.Context(), "", info[0].ID))
	n.works()
	n.wants("top", flow.Failed, 2, 1, 1, 0)
	n.must(n.Producer.RetryFlow(t.Context(), "steps", flow.FailedOnly))
	n.works()
	n.wants("top", flow.Completed, 2, 2, 0, 0)
	n.saidOnce("middle success", "top success")
}

// TestABatchIsCancelledWithItsMembers that are batches and flows, however deep.
func TestABatchIsCancelledWithItsMembers(t *testing.T) {
	n := newNest(t)
	top := n.batch("top")
	middle := n.child(top, "middle")
	bottom := n.child(middle, "bottom")
	_, err := bottom.Add(t.Context(), drayhorse.Spec{Args: welcome{UserID: 1}, Options: []drayhorse.Option{drayhorse.In(time.Hour)}})
	n.must(err)
	f := flow.New("steps")
	f.Signal("never", time.Hour)
	_, err = top.AddFlow(t.Context(), f)
	n.must(err)
	n.must(n.Producer.CancelFlow(t.Context(), "top"))
	n.works()
	n.wants("top", flow.Cancelled, 2, 0, 0, 2)
	n.wants("steps", flow.Cancelled, 1, 0, 0, 1)
	n.wants("bottom", flow.Cancelled, 1, 0, 0, 1)
	if info, err := n.Producer.Flow(t.Context(), "bottom"); err != nil || info.Reason != "its batch was cancelled" {
		t.Errorf("%+v, %v", info, err)
	}
	n.saidOnce("top failure", "top complete", "middle failure", "middle complete", "bottom failure", "bottom complete")
	if _, err := top.AddBatch(t.Context(), calling("late")); !errors.Is(err, drayhorse.ErrFlowEnded) {
		t.Errorf("a member of a batch that takes no more: %v", err)
	}
	if _, err := n.Producer.Flow(t.Context(), "late"); !errors.Is(err, drayhorse.ErrNotFound) {
		t.Errorf("it was made: %v", err)
	}
}

// TestMembersThatAreNot: an ID that stands for another flow, a flow that is none, and one that Redis has lost.
func TestMembersThatAreNot(t *testing.T) {
	n := newNest(t)
	other := n.batch("other")
	top := n.batch("top")
	if _, err := top.AddBatch(t.Context(), calling("other")); !errors.Is(err, drayhorse.ErrDuplicate) {
		t.Errorf("a batch that is there: %v", err)
	}
	if _, err := top.AddFlow(t.Context(), flow.New("empty")); !errors.Is(err, drayhorse.ErrInvalid) {
		t.Errorf("a flow without steps: %v", err)
	}
	n.wants("top", flow.Open, 0, 0, 0, 0)
	lost := n.child(top, "lost", 1)
	n.closes(top)
	opts, err := redis.ParseURL(n.URL)
	n.must(err)
	client := redis.NewClient(opts)
	defer client.Close()
	keys, err := client.Keys(t.Context(), "*:flow:"+lost.ID).Result()
	if n.must(err); len(keys) != 1 {
		t.Fatal(keys)
	}
	n.must(client.Del(t.Context(), keys...).Err())
	n.works()
	n.wants("top", flow.Running, 1, 0, 0, 0)
	for range 3 {
		n.Advance(10 * time.Minute)
		n.works()
	}
	n.wants("top", flow.Failed, 1, 0, 0, 1)
	n.closes(other)
}

// TestWhatHoldsAMemberUp is told of the batch.
func TestWhatHoldsAMemberUp(t *testing.T) {
	n := newNest(t)
	top := n.batch("top")
	middle := n.child(top, "middle", 1)
	n.closes(top, middle)
	why, err := n.Admin.ExplainFlow(t.Context(), "top")
	if err != nil || len(why) != 1 || why[0].Flow != "middle" || why[0].Members != 1 {
		t.Fatalf("%+v, %v", why, err)
	}
	stuck, err := n.Admin.StuckFlows(t.Context())
	if err != nil || len(stuck) != 2 || !strings.Contains(stuck[1].Why, "no worker runs") {
		t.Errorf("%+v, %v", stuck, err)
	}
	n.works()
	n.wants("top", flow.Completed, 1, 1, 0, 0)
}
