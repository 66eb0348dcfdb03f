package admin_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// explained waits until the reasons of a job are these: gates and what each says, "gate: text".
func (y *yard) explained(id string, want ...string) *admin.Explanation {
	y.t.Helper()
	var last *admin.Explanation
	redistest.Eventually(y.t, 10*time.Second, id+" is explained by "+strings.Join(want, ", "), func() bool {
		x, err := y.admin.Explain(y.t.Context(), "", id)
		if err != nil {
			y.t.Error(err)
			return true
		}
		if last == nil || len(last.Why) != len(x.Why) {
			y.t.Logf("%s: %+v", id, x.Why)
		}
		last = x
		if len(x.Why) != len(want) {
			return false
		}
		for i, r := range x.Why {
			gate, text, _ := strings.Cut(want[i], ": ")
			if r.Gate != gate || !strings.Contains(r.Detail, text) {
				return false
			}
		}
		return true
	})
	return last
}

// TestExplainTellsTheTruth: each reason, brought about with real parts.
func TestExplainTellsTheTruth(t *testing.T) {
	onEach(t, func(t *testing.T, y *yard) {
		ctx := t.Context()
		on := func(queue string, options ...drayhorse.Option) []drayhorse.Option {
			return append(options, drayhorse.Queue(queue))
		}

		// Nobody works.
		first, second := y.enqueue("k", on("q")...), y.enqueue("k", on("q")...)
		y.explained(first, "workers: no worker runs", "line: it is next in line")
		y.explained(second, "workers: no worker runs", "line: 1 job is in line ahead of it")

		// Another one has a higher priority.
		urgent := y.enqueue("k", on("q", drayhorse.Priority(drayhorse.Urgent))...)
		y.explained(first, "workers: no worker runs", "priority: 1 job is in line with a higher priority than normal", "line: it is the next one of its priority")
		y.explained(urgent, "workers: no worker runs", "line: it is next in line")
		if q, err := y.admin.Queue(ctx, "q"); err != nil || q.Priorities[drayhorse.Urgent] != 1 || len(q.Priorities) != 1 {
			t.Errorf("%+v, %v; want one urgent job in line", q, err)
		}
		if err := y.admin.Cancel(ctx, "q", urgent); err != nil {
			t.Fatal(err)
		}

		// Its time has not come.
		later := y.enqueue("k", on("q", drayhorse.In(time.Hour))...)
		x := y.explained(later, "scheduled: ", "workers: no worker runs")
		if until := x.Why[0].Until.Sub(x.Now); until < 59*time.Minute || until > time.Hour || x.Why[0].Since.IsZero() || x.State != drayhorse.Scheduled {
			t.Errorf("%+v; want it in an hour", x)
		}

		// Its queue is paused.
		queue, kind := admin.Target{Queue: "q"}, admin.Target{Queue: "q", Kind: "k"}
		for _, target := range []admin.Target{queue, kind} {
			if err := y.admin.Pause(ctx, target, "their API is down"); err != nil {
				t.Fatal(err)
			}
		}
		y.explained(later, "scheduled: ", "paused: queue q is paused", "paused: ", "workers: ")
		if err := y.admin.Resume(ctx, queue, ""); err != nil {
			t.Fatal(err)
		}
		x = y.explained(first, "paused: kind k is paused in queue q", "workers: no worker runs", "line: ")
		if !strings.HasSuffix(x.Why[0].Detail, ": their API is down") || x.Why[0].Since.IsZero() {
			t.Errorf("%+v", x)
		}
		if err := y.admin.Resume(ctx, kind, ""); err != nil {
			t.Fatal(err)
		}

		// It runs, and a limit lets no other start.
		if err := y.admin.SetLimit(ctx, drayhorse.Limit{Name: "one", Queue: "q", Concurrency: 1}, "fragile"); err != nil {
			t.Fatal(err)
		}
		began, tell := y.work("q")
		if id := <-began; id != first {
			t.Fatalf("%s runs, want %s", id, first)
		}
		y.explained(first, "running: attempt 1 runs")
		redistest.Eventually(t, 15*time.Second, "its worker names it", func() bool {
			x, err := y.admin.Explain(ctx, "q", first)
			return err == nil && strings.Contains(x.Why[0].Detail, " on ") && !x.Why[0].Since.IsZero()
		})
		y.explained(second, "limit: limit one: 1 of 1 run (fragile)", "line: it is next in line")
		if err := y.admin.SetLimit(ctx, drayhorse.Limit{Name: "k", Queue: "q", Kind: "k", Concurrency: 1}, ""); err != nil {
			t.Fatal(err)
		}
		y.explained(second, "limit: limit one: 1 of 1 run", "limit: limit k: 1 of 1 run", "line: it is next in line")

		// All queues share a limit, of which this one has all.
		if err := y.admin.SetLimit(ctx, drayhorse.Limit{Name: "shared", Kind: "k", Concurrency: 1}, ""); err != nil {
			t.Fatal(err)
		}
		y.explained(second, "limit: limit one: 1 of 1 run", "limit: limit k: 1 of 1 run", "limit: limit shared: 1 of 1 run", "line: it is next in line")
		if err := y.admin.RemoveLimit(ctx, "shared", ""); err != nil {
			t.Fatal(err)
		}

		// Nobody serves its kind.
		other := y.enqueue("other", on("q")...)
		y.explained(other, "limit: ", "workers: no worker of queue q has a handler for kind other", "line: 1 job is")
		if err := y.admin.RemoveLimit(ctx, "one", ""); err != nil {
			t.Fatal(err)
		}
		y.explained(second, "limit: limit k: 1 of 1 run") // a turn has set it aside
		if err := y.admin.RemoveLimit(ctx, "k", ""); err != nil {
			t.Fatal(err)
		}
		if id := <-began; id != second {
			t.Fatalf("%s runs, want %s", id, second)
		}
		y.explained(other, "parked: no worker of queue q has a handler for kind other (parked)")

		// It has failed, and was told to end.
		tell <- errors.New("the hay is wet\nand more")
		redistest.Eventually(t, 10*time.Second, "one has failed", func() bool {
			q, err := y.admin.Queue(ctx, "q")
			return err == nil && q.Retryable == 1
		})
		failed, runs := first, second
		if info, err := y.admin.Get(ctx, "q", first); err == nil && info.State == drayhorse.Running {
			failed, runs = second, first
		}
		x = y.explained(failed, "retry: attempt 2 of 25 is due later; the last one failed: the hay is wet")
		if x.Why[0].Until.Before(x.Now) || x.Why[0].Since.IsZero() || strings.Contains(x.Why[0].Detail, "and more") {
			t.Errorf("%+v", x)
		}
		if err := y.admin.Cancel(ctx, "q", runs); err != nil {
			t.Fatal(err)
		}
		y.explained(runs, "ended: it is cancelled")

		// All slots are taken.
		for range 5 {
			y.enqueue("k", on("q")...)
		}
		for range 4 {
			<-began
		}
		last := y.enqueue("k", on("q")...)
		y.explained(last, "slots: all 4 slots of the 1 worker that would run it are taken", "line: in line ahead of it")

		// A rate lets one start now and then.
		if err := y.admin.SetLimit(ctx, drayhorse.Limit{Name: "slow", Queue: "r", Rate: drayhorse.Rate{Jobs: 1, Per: time.Hour}}, ""); err != nil {
			t.Fatal(err)
		}
		began, tell = y.work("r")
		y.enqueue("k", on("r")...)
		<-began
		tell <- nil
		held := y.enqueue("k", on("r")...)
		x = y.explained(held, "limit: limit slow: 1/1h", "line: it is next in line")
		if until := x.Why[0].Until.Sub(x.Now); until < 50*time.Minute || until > time.Hour {
			t.Errorf("%+v; want the next start in an hour", x)
		}
		if _, err := y.admin.Explain(ctx, "", "none"); !errors.Is(err, drayhorse.ErrNotFound) {
			t.Errorf("of none: %v", err)
		}
	})
}

// TestLimitsExplainThemselves: that of a group names it, a breaker says what it waits for.
func TestLimitsExplainThemselves(t *testing.T) {
	onEach(t, func(t *testing.T, y *yard) {
		ctx := t.Context()
		set := func(l drayhorse.Limit) {
			t.Helper()
			if err := y.admin.SetLimit(ctx, l, ""); err != nil {
				t.Fatal(err)
			}
		}
		group := []drayhorse.Option{drayhorse.Queue("g"), drayhorse.Group("tenant-42")}
		set(drayhorse.Limit{Name: "each", Queue: "g", PerGroup: true, Concurrency: 1})
		began, tell := y.work("g")
		y.enqueue("k", group...)
		<-began
		waits := y.enqueue("k", group...)
		y.explained(waits, "limit: limit each: 1 of 1 of group tenant-42 run", "line: it is the next one of its group")
		tell <- nil
		<-began
		tell <- nil

		breaker := drayhorse.Breaker{Rate: 1, Min: 1, Window: time.Hour, CoolDown: time.Second}
		set(drayhorse.Limit{Name: "broken", Queue: "b", Breaker: breaker})
		began, tell = y.work("b")
		once := drayhorse.MaxAttempts(1)
		y.enqueue("k", drayhorse.Queue("b"), once)
		<-began
		tell <- errors.New("it is down")
		opens := func() {
			t.Helper()
			redistest.Eventually(t, 10*time.Second, "the breaker opens", func() bool {
				all, err := y.admin.LimitsOf(ctx, "b")
				return err == nil && len(all) == 1 && all[0].State == drayhorse.BreakerOpen && !all[0].OpenUntil.IsZero()
			})
		}
		opens()
		second := y.enqueue("k", drayhorse.Queue("b"), once)
		third := y.enqueue("k", drayhorse.Queue("b"), once)
		if id := <-began; id != second { // after a second
			t.Fatalf("%s runs, want %s", id, second)
		}
		y.explained(third, "breaker: limit broken: its breaker waits for the jobs that are tried", "line: it is next in line")
		tell <- errors.New("it is still down")
		if id := <-began; id != third { // after another
			t.Fatalf("%s runs, want %s", id, third)
		}
		breaker.CoolDown = time.Hour
		set(drayhorse.Limit{Name: "broken", Queue: "b", Breaker: breaker}) // which closes it
		tell <- errors.New("it is down for long")
		opens()
		fourth := y.enqueue("k", drayhorse.Queue("b"), once)
		x := y.explained(fourth, "breaker: limit broken: its breaker is open, since too many jobs failed; then 1 job will be tried", "line: it is next in line")
		if until := x.Why[0].Until.Sub(x.Now); until < 50*time.Minute || until > time.Hour {
			t.Errorf("%+v; want it open for an hour", x)
		}
	})
}
