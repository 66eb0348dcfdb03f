package limits

import (
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/embedded"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// newWorldOf makes a world with a limit, in a queue of three partitions, or others.
func newWorldOf(t *testing.T, limit drayhorse.Limit, sizes ...map[string]int) *world {
	t.Helper()
	server, err := embedded.StartAt(time.UnixMilli(1_700_000_000_000))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	w := &world{ctx: t.Context(), server: server, limit: limit}
	w.limit.Name = "l"
	w.open(open(t, server.URL()+redistest.Patient), redistest.Namespace(t), append(sizes, map[string]int{"a": 3})[0])
	t.Cleanup(w.close)
	return w
}

// done fails the test if a step has failed.
func (w *world) done(t *testing.T) {
	t.Helper()
	if w.failed != "" {
		t.Fatal(w.failed)
	}
}

// balance does once what a worker does for a site.
func (w *world) balance(s *site) { w.must(w.limits.Balance(w.ctx, []jobs.Share{w.look(s)[0].Share})) }

// TestFreeStartsMoveWithAShare: of four starts at once one is taken, and the others are there for whoever has a share
// then, however often the answers come.
func TestFreeStartsMoveWithAShare(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, drayhorse.Limit{Queue: "a", Rate: drayhorse.Rate{Jobs: 1, Per: time.Hour, Burst: 4}})
	a, b := w.sites[0], w.sites[1]
	w.enqueue(a, 10)
	w.pass(10 * time.Second) // nobody looks at the others
	w.balance(a)
	if got := w.look(a)[0]; got.Burst != 4 {
		t.Fatalf("a has %+v; want all", got)
	}
	w.turn(a, 1, 0)
	w.deliver([]told{{Share: jobs.Share{Partition: b.part, Limit: "l", Waiting: 1}, of: b.part.String(), served: true}})
	for len(w.grants) > 0 {
		w.grant(w.grants[0])
		w.grants = w.grants[1:]
		answer := w.seen[len(w.seen)-1]
		for range 3 {
			w.deliver(answer)
		}
	}
	w.enqueue(b, 10)
	w.turn(a, 10, 0)
	w.turn(b, 10, 0)
	w.done(t)
	if a.started+b.started != 4 || b.started == 0 {
		t.Errorf("%d and %d have started; want 4 in all", a.started, b.started)
	}
}

// TestWhatRunsIsCountedBeforeItIsGranted: of a limit that begins to count what runs, a partition says how many these are
// when it has learnt of that; until then nothing is granted.
func TestWhatRunsIsCountedBeforeItIsGranted(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, drayhorse.Limit{Queue: "a", Rate: drayhorse.Rate{Jobs: 1000, Per: time.Second, Burst: 30}})
	a, b := w.sites[0], w.sites[1]
	w.enqueue(a, 10)
	w.turn(a, 10, 0)
	w.limit.Concurrency = 2
	_, err := w.limits.note(w.ctx, &w.limit, true, "", "") // and partitions are not told
	w.must(err)
	w.enqueue(b, 5)
	for range 3 {
		w.balance(a)
		w.balance(b)
		w.pass(time.Second)
	}
	w.set()
	w.balance(b)
	w.turn(b, 5, 0)
	if w.done(t); len(a.running) != 10 || b.started > 0 {
		t.Errorf("%d run and %d have started elsewhere; want 10, and none", len(a.running), b.started)
	}
	w.turn(a, 0, 9)
	w.balance(a)
	w.balance(b)
	w.turn(b, 5, 0)
	if w.done(t); b.started != 1 {
		t.Errorf("%d have started; want 1 beside the one that runs", b.started)
	}
}

// TestSharesComeBackWhenTheirRowsAreLost: what partitions have is known again when they tell, and no more is granted than
// there is.
func TestSharesComeBackWhenTheirRowsAreLost(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, drayhorse.Limit{Queue: "a", Concurrency: 6})
	for _, s := range w.sites {
		w.enqueue(s, 10)
		w.turn(s, 1, 0) // those that may not start go aside
		w.balance(s)
		w.turn(s, 10, 0)
	}
	w.check("before")
	w.must(w.engine.Client().Del(w.ctx, w.limits.keys("l")[1]).Err())
	for range 10 {
		for _, s := range w.sites {
			w.turn(s, 10, 1)
			w.balance(s)
		}
		w.pass(time.Second)
	}
	w.held = 1 << 30
	w.check("after")
	if w.done(t); w.held > 6 {
		t.Errorf("%d may run; want 6 at most", w.held)
	}
}

// TestAQueueThatIsGoneHoldsNothing: what it had goes to others, and it is not made again.
func TestAQueueThatIsGoneHoldsNothing(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, drayhorse.Limit{Kind: modelKind, Concurrency: 4})
	other, err := w.engine.CreateQueue(w.ctx, "gone", 1)
	w.must(err)
	w.must(w.limits.Join(w.ctx, other))
	w.enqueue(w.sites[0], 10)
	for _, s := range w.sites {
		w.balance(s)
	}
	gone := &site{part: other[0], writer: jobs.NewWriter(other[0]), lease: jobs.NewLease(other[0], "lease")}
	t.Cleanup(gone.writer.Close)
	w.enqueue(gone, 1)
	for range 3 {
		w.turn(gone, 1, 1)
		w.balance(gone)
		w.pass(time.Second)
	}
	w.turn(gone, 0, 1)
	if share := w.look(gone)[0]; share.Most == 0 || len(gone.running) > 0 {
		t.Fatalf("got %+v; want a share", share)
	}
	elsewhere := jobs.New(w.engine.Client(), w.limits.prefix[:len(w.limits.prefix)-len(":{@limits}:")]) // as another process deletes it
	w.must(elsewhere.DropQueues(w.ctx, true, "gone")[0].Err)
	for range 10 {
		w.pass(time.Second)
		w.turn(w.sites[0], 10, 0)
		w.balance(w.sites[0])
	}
	w.done(t)
	if share := w.look(w.sites[0])[0]; share.Most != 4 {
		t.Errorf("got %+v; want all of it", share)
	}
	if found, err := w.engine.Meet(w.ctx, []string{"gone"}); err != nil || len(found) > 0 {
		t.Errorf("got %v, %v; want it not made again", found, err)
	}
}

// TestALimitThatWasTakenAwayGoesEverywhere: also from a partition that was away then.
func TestALimitThatWasTakenAwayGoesEverywhere(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, drayhorse.Limit{Queue: "a", Concurrency: 1})
	_, err := w.limits.run(w.ctx, setScript, "l", "l", "operator", "", "", "a") // and partitions are not told
	w.must(err)
	gone := told{of: "b", gone: true} // of a queue that was deleted meanwhile
	w.must(w.limits.balance(w.ctx, "l", append(w.look(w.sites[0]), gone)))
	for i, s := range w.sites {
		if i > 0 {
			w.balance(s)
		}
		if left := w.engine.Observe(w.ctx, s.part)[0].Shares; len(left) > 0 {
			t.Errorf("%v has %+v still", s.part, left)
		}
		w.enqueue(s, 5)
		w.turn(s, 5, 0)
		if len(s.running) != 5 {
			t.Errorf("%d run; want all", len(s.running))
		}
	}
	w.done(t)
	if all, err := w.limits.List(w.ctx); err != nil || len(all) > 0 {
		t.Errorf("%v, %v; want no limit", all, err)
	}
}

// TestManyWhoTellWait: of a limit over many partitions, so that Redis has time for others; and all are heard.
func TestManyWhoTellWait(t *testing.T) {
	t.Parallel()
	l, seen := sharedBy(t, 100)
	busyOnes := 0
	for range 10 {
		plan, err := l.plan(t.Context(), "l", seen)
		if err != nil {
			t.Fatal(err)
		}
		if plan.known == busy {
			busyOnes++
		}
	}
	if busyOnes == 0 {
		t.Error("ten calls one after the other; want some told to come later")
	}
	for range 10 {
		if err := l.balance(t.Context(), "l", seen); err != nil {
			t.Fatal(err)
		}
	}
}

// TestMoreQueuesThanRows: one that is idle makes place for one that has jobs.
func TestMoreQueuesThanRows(t *testing.T) {
	t.Parallel()
	sizes := map[string]int{}
	for i := range 5 {
		sizes[string(rune('a'+i))] = 30
	}
	w := newWorldOf(t, drayhorse.Limit{Kind: modelKind, Concurrency: 1000}, sizes)
	busy := w.sites[len(w.sites)-1]
	w.enqueue(busy, 20)
	for range 10 {
		w.turn(busy, 20, 0)
		w.balance(busy)
		w.pass(time.Second)
	}
	if w.done(t); busy.started != 20 {
		t.Errorf("%d have started; want all", busy.started)
	}
	if n := w.engine.Client().HLen(w.ctx, w.limits.keys("l")[1]).Val(); n > MaxPartitions+1 {
		t.Errorf("%d rows; want %d at most", n, MaxPartitions+1)
	}
}
