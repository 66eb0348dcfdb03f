package scheduler

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/internal/schedules"
)

// record is a log that a test reads.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

// lines gives those with a text.
func (r *record) lines(with string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []string
	for line := range strings.Lines(r.text.String()) {
		if strings.Contains(line, with) {
			found = append(found, line)
		}
	}
	return found
}

func (r *record) logger(c *Config) { c.Logger = slog.New(slog.NewTextHandler(r, nil)) }

// What waits for a queue waits quietly: one line in the log, one in the history, a few
// entries in the outbox and a call now and then; and of all its ticks one is made up.
func TestDelayIsBoundedAndSaidOnce(t *testing.T) {
	r := setup(t)
	r.set("bad", "jobs")
	var log record
	s := r.scheduler([]Schedule{each("bad")}, log.logger)
	r.run(s)
	redistest.Eventually(t, patience, "a word of it", func() bool { return len(log.lines("takes no ticks")) == 1 })
	since := time.Now()
	redistest.Eventually(t, patience, "a while", func() bool { return time.Since(since) > 6*time.Second })
	if n := r.engine.Client().ZCard(t.Context(), r.namespace+":{@sched}:outbox").Val(); n < 1 || n > 2 {
		t.Errorf("%d entries in the outbox, want the first one", n)
	}
	events, err := r.store.History(t.Context(), r.engine, "bad")
	if err != nil || len(events) != 1 || events[0].Outcome != schedules.Delayed || events[0].Queue != "bad" || events[0].Error == "" {
		t.Errorf("history %+v, %v; want one delay, and why its job is not known", events, err)
	}
	r.del("bad", "jobs")
	redistest.Eventually(t, patience, "a word of the end", func() bool { return len(log.lines("takes ticks again")) == 1 })
	redistest.Eventually(t, patience, "ticks", func() bool { return len(r.ticksIn("bad", "bad")) > 2 })
	if n := len(log.lines("takes no ticks")); n != 1 {
		t.Errorf("said %d times, want once", n)
	}
	if n := len(log.lines("WARN")); n != 1 {
		t.Errorf("%d warnings, want one", n)
	}
	made, gap := r.ticksIn("bad", "bad"), time.Duration(0)
	for i := 1; i < len(made); i++ {
		gap = max(gap, made[i].Sub(made[i-1])) // after the first one, or after the second if that was in the outbox, too
	}
	if gap < 5*time.Second {
		t.Errorf("ticks %v, want those that were missed left out", made)
	}
	events, err = r.store.History(t.Context(), r.engine, "bad")
	if err != nil || !slices.ContainsFunc(events, func(e schedules.Event) bool { return e.Outcome == schedules.Missed }) {
		t.Errorf("history %+v, %v; want the missed ones in it", events, err)
	}
}

// The last job of a schedule whose jobs may not overlap is in a queue that cannot be
// asked: this schedule waits, others into the same new queue do not.
func TestUnknownLastJobDelaysItsScheduleAlone(t *testing.T) {
	r := setup(t)
	skip := func(s *Schedule) { s.Overlap, s.CatchUp, s.CatchUpWindow = OverlapSkip, CatchUpLast, 0 }
	r.declares(rare("a", skip, into("old")))
	r.declares(rare("b", skip, into("new")))
	l := r.leads(1)
	r.overdue("a", period)
	r.rounds(l)
	r.declares(rare("a", skip, into("new")))
	r.set("old", "jobs")
	for range 3 {
		r.overdue("a", period)
		r.overdue("b", period)
		for range 5 {
			if _, err := r.turn(l); err != nil {
				t.Fatal(err)
			}
		}
		r.cancelAll("new")
	}
	if got := len(r.outcomes("b")); got != 3 {
		t.Errorf("b has had %d ticks, want 3", got)
	}
	if got := r.outcomes("a"); !slices.Equal(got, []string{schedules.Enqueued, schedules.Delayed}) {
		t.Errorf("a: %v, want it delayed", got)
	}
	if n := l.outbox.len(); n != 1 {
		t.Errorf("%d entries in the outbox, want one of a", n)
	}
	r.del("old", "jobs")
	redistest.Eventually(t, patience, "a goes on", func() bool {
		_, err := r.turn(l)
		return err == nil && l.outbox.len() == 0 && len(l.inFlight) == 0
	})
}

func into(queue string) func(*Schedule) {
	return func(s *Schedule) { s.Options = []drayhorse.Option{drayhorse.Queue(queue)} }
}

// cancelAll ends all jobs that are in line in a queue.
func (r *rig) cancelAll(queue string) {
	r.Helper()
	partitions, err := r.engine.Queue(r.Context(), queue)
	if err != nil {
		r.Fatal(err)
	}
	for _, id := range r.ids(queue) {
		if err := partitions[0].Cancel(r.Context(), id); err != nil {
			r.Fatal(err)
		}
	}
}

// A partition of a queue that takes no ticks delays those that go there; others of the
// same schedule are on time.
func TestBrokenPartitionDelaysItsOwnTicks(t *testing.T) {
	r := setup(t)
	partitions, err := r.engine.CreateQueue(t.Context(), "wide", 3)
	if err != nil {
		t.Fatal(err)
	}
	r.set("wide/1", "jobs")
	declared := Schedule{ID: "a", Every: time.Second, Args: raw("k")}
	into("wide")(&declared)
	r.run(r.scheduler([]Schedule{declared}))
	in := func(partition int) (n int) {
		for _, id := range r.ids("wide") {
			if jobs.PartitionOf(partitions, id).Index == partition {
				n++
			}
		}
		return n
	}
	redistest.Eventually(t, 2*patience, "ticks in the other partitions", func() bool { return in(0)+in(2) >= 6 })
	if n := in(1); n != 0 {
		t.Fatalf("%d ticks in the broken one", n)
	}
	r.del("wide/1", "jobs")
	redistest.Eventually(t, 2*patience, "ticks in the one that was mended", func() bool { return in(1) >= 2 })
	if ids := r.ids("wide"); len(slices.Compact(slices.Clone(ids))) != len(ids) {
		t.Errorf("jobs %v, want none twice", ids)
	}
}
