package scheduler

import (
	"slices"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/schedules"
)

// outcomes gives what became of the ticks of a schedule, the oldest first.
func (r *rig) outcomes(id string) []string {
	r.Helper()
	events, err := r.store.History(r.Context(), r.engine, id)
	if err != nil {
		r.Fatal(err)
	}
	var all []string
	for _, e := range events {
		all = append(all, e.Outcome)
	}
	slices.Reverse(all)
	return all
}

// end ends the oldest job of a schedule that has not ended.
func (r *rig) end(schedule string) {
	r.Helper()
	partitions, err := r.engine.Queue(r.Context(), drayhorse.DefaultQueue)
	if err != nil {
		r.Fatal(err)
	}
	if err := partitions[0].Cancel(r.Context(), schedules.JobID(schedule, r.ticks(schedule)[0])); err != nil {
		r.Fatal(err)
	}
}

// again fires the next ticks of a schedule one after another, long before they are
// due.
func (r *rig) again(l *leader, id string, n int) {
	r.Helper()
	for range n {
		status, err := r.store.Get(r.Context(), id)
		if err != nil {
			r.Fatal(err)
		}
		entry := schedules.Entry{Schedule: id, Tick: status.Next, Queue: status.Queue}
		moved, err := l.scheduler.store.Fire(r.Context(), l.number, []schedules.Firing{{
			ID: id, Tick: status.Next, Revision: status.Revision, Next: status.Next.Add(period), Decided: status.Next,
			Entries: []schedules.Entry{entry},
		}})
		if err != nil || !moved[0] {
			r.Fatal("not fired", err)
		}
		r.rounds(l)
	}
}

func TestOverlap(t *testing.T) {
	const enqueued, skipped = schedules.Enqueued, schedules.Skipped
	for _, c := range []struct {
		overlap Overlap
		catchUp CatchUp
		during  []string // outcomes of four ticks while the first one's job runs
		left    int      // jobs that have not ended then
		after   []string // and when it has ended
	}{
		{OverlapAllow, CatchUpLast, []string{enqueued, enqueued, enqueued, enqueued}, 4, []string{enqueued, enqueued, enqueued, enqueued}},
		{OverlapSkip, CatchUpLast, []string{enqueued, skipped, skipped, skipped}, 1, []string{enqueued, skipped, skipped, skipped}},
		{OverlapReplace, CatchUpLast, []string{enqueued, enqueued, enqueued, enqueued}, 1, []string{enqueued, enqueued, enqueued, enqueued}},
		{OverlapQueue, CatchUpLast, []string{enqueued, skipped, skipped}, 1, []string{enqueued, skipped, skipped, enqueued}},
		{OverlapQueue, CatchUpAll, []string{enqueued}, 1, []string{enqueued, enqueued}},
	} {
		t.Run(string(c.overlap)+", "+string(c.catchUp), func(t *testing.T) {
			r := setup(t)
			r.declares(rare("a", func(s *Schedule) { s.Overlap, s.CatchUp, s.CatchUpWindow = c.overlap, c.catchUp, 0 }))
			l := r.leads(1)
			r.again(l, "a", 4)
			if got := r.outcomes("a"); !slices.Equal(got, c.during) {
				t.Errorf("outcomes %v, want %v", got, c.during)
			}
			if got := r.ticks("a"); len(got) != c.left {
				t.Errorf("jobs of %v have not ended, want %d", got, c.left)
			}
			r.end("a")
			l.polled = time.Time{}
			r.rounds(l)
			if got := r.outcomes("a"); !slices.Equal(got, c.after) {
				t.Errorf("after the end: outcomes %v, want %v", got, c.after)
			}
		})
	}
}

// Many ticks at once of a schedule that lets them wait: they run one after another,
// in order.
func TestQueuedTicksRunInOrder(t *testing.T) {
	r := setup(t)
	r.declares(rare("a", func(s *Schedule) { s.Overlap = OverlapQueue }))
	first := r.overdue("a", 4*period)
	l := r.leads(1)
	r.rounds(l)
	for n := range 4 {
		want := first.Add(time.Duration(n) * period)
		if ticks := r.ticks("a"); len(ticks) != 1 || !ticks[0].Equal(want) {
			t.Fatalf("ticks %v, want %v alone", ticks, want)
		}
		r.end("a")
		l.polled = time.Time{}
		r.rounds(l)
	}
	if ticks := r.ticks("a"); len(ticks) != 0 {
		t.Errorf("ticks %v, want none", ticks)
	}
}

// A job is due at its tick and the jitter, which every replica works out alike.
func TestJitter(t *testing.T) {
	r := setup(t)
	r.declares(rare("a", func(s *Schedule) { s.Jitter = 24 * time.Hour; s.CatchUp, s.CatchUpWindow = CatchUpLast, 0 }))
	l := r.leads(1)
	status, err := r.store.Get(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	r.again(l, "a", 1)
	partitions, _ := r.engine.Queue(t.Context(), drayhorse.DefaultQueue)
	info, err := partitions[0].Get(t.Context(), schedules.JobID("a", status.Next))
	if err != nil {
		t.Fatal(err)
	}
	late := info.DueAt.Sub(info.Tick)
	if !info.DueAt.Equal(status.Due(status.Next)) || late <= 0 || late > 24*time.Hour || !info.Tick.Equal(status.Next) {
		t.Errorf("tick %v is due at %v, want %v", info.Tick, info.DueAt, status.Due(status.Next))
	}
}

// A queue of several partitions: the ticks are spread over them, each once.
func TestPartitionedQueue(t *testing.T) {
	r := setup(t)
	if _, err := r.engine.CreateQueue(t.Context(), "wide", 3); err != nil {
		t.Fatal(err)
	}
	const n = 40
	r.declares(rare("a", func(s *Schedule) {
		s.CatchUpWindow = 100 * period
		s.Options = []drayhorse.Option{drayhorse.Queue("wide")}
	}))
	r.overdue("a", n*period)
	r.rounds(r.leads(1))
	used := map[int]bool{}
	partitions, _ := r.engine.Queue(t.Context(), "wide")
	ids := r.ids("wide")
	for _, id := range ids {
		used[jobs.PartitionOf(partitions, id).Index] = true
	}
	if len(ids) != n || len(used) != 3 {
		t.Errorf("%d jobs in %d partitions, want %d in 3", len(ids), len(used), n)
	}
}
