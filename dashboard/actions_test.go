package dashboard_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/scheduler"
)

// done wants an action to have led back to a page, which says so.
func (r *rig) done(a answer, to, said string) {
	r.t.Helper()
	location := a.header.Get("Location")
	if a.code != http.StatusSeeOther || !strings.HasPrefix(location, to) {
		r.t.Errorf("%d to %q; want %s\n%s", a.code, location, to, a.body)
		return
	}
	r.wants(location, r.page(location), said)
}

func TestQueuesArePausedResumedAndDeleted(t *testing.T) {
	r := setup(t, nil)
	r.enqueue("k", `{}`, drayhorse.Queue("q"), drayhorse.ID("a"))
	paused := func(want bool) {
		t.Helper()
		if q, err := r.admin.Queue(t.Context(), "q"); err != nil || q.Paused != want {
			t.Errorf("queue %+v, %v; want paused %v", q, err, want)
		}
	}
	r.done(r.post("do", "action", "pause-queue", "queue", "q"), "queue?queue=q&done=pause-queue", "The queue is paused.")
	paused(true)
	r.done(r.post("do", "action", "resume-queue", "queue", "q", "from", "queues"), "queues?done=resume-queue", "The queue goes on.")
	paused(false)

	if a := r.post("do", "action", "delete-queue", "queue", "q", "typed", "p"); a.code != http.StatusBadRequest {
		t.Errorf("with another name typed: %d %s", a.code, a.body)
	}
	if a := r.post("do", "action", "delete-queue", "queue", "q", "typed", "q"); a.code != http.StatusConflict {
		t.Errorf("with a live job: %d %s", a.code, a.body)
	}
	paused(false) // it is there
	if err := r.admin.Delete(t.Context(), "q", "a"); err != nil {
		t.Fatal(err)
	}
	r.done(r.post("do", "action", "delete-queue", "queue", "q", "typed", "q"), "queues?done=delete-queue", "The queue is deleted.")
	if _, err := r.admin.Queue(t.Context(), "q"); !errors.Is(err, drayhorse.ErrNotFound) {
		t.Errorf("the deleted queue: %v", err)
	}
	if a := r.post("do", "action", "pause-queue", "queue", "q"); a.code != http.StatusNotFound {
		t.Errorf("of no queue: %d %s", a.code, a.body)
	}
}

func TestJobsAreRetriedCancelledAndDeleted(t *testing.T) {
	r := setup(t, nil)
	r.enqueue("k", `{}`, drayhorse.ID("a"), drayhorse.In(time.Hour))
	r.done(r.post("do", "action", "retry-job", "job", "default/a"), "job?id=a&queue=default&done=retry-job", "The job is available.")
	r.state("default", "a", drayhorse.Available)
	r.done(r.post("do", "action", "cancel-job", "job", "default/a"), "job?id=a&queue=default&done=cancel-job", "The job was told to end.")
	r.state("default", "a", drayhorse.Cancelled)
	if a := r.post("do", "action", "cancel-job", "job", "default/a"); a.code != http.StatusConflict || !strings.Contains(a.body, "has been cancelled already") {
		t.Errorf("cancel again: %d %s", a.code, a.body)
	}
	r.done(r.post("do", "action", "delete-job", "job", "default/a"), "jobs?queue=default&done=delete-job", "The job is deleted.")
	if info, err := r.admin.Get(t.Context(), "default", "a"); err != nil || info.Kind != "" { // its ID is taken for a day
		t.Errorf("the deleted job: %+v, %v", info, err)
	}

	// A running one: its context ends; it cannot be deleted.
	began, ended := make(chan string, 1), make(chan error, 1)
	r.work("default", func(ctx context.Context, job *drayhorse.Job[json.RawMessage]) error {
		began <- job.ID
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return ctx.Err()
	})
	r.enqueue("k", `{}`, drayhorse.ID("b"))
	<-began
	if a := r.post("do", "action", "delete-job", "job", "default/b"); a.code != http.StatusConflict {
		t.Errorf("delete a running job: %d %s", a.code, a.body)
	}
	r.done(r.post("do", "action", "cancel-job", "job", "default/b"), "job?id=b", "The job was told to end.")
	if cause := <-ended; !errors.Is(cause, drayhorse.ErrCancelled) {
		t.Errorf("the handler's context ended by %v", cause)
	}
	r.state("default", "b", drayhorse.Cancelled)
}

// TestManyJobsAtOnce: one that fails keeps the others from nothing.
func TestManyJobsAtOnce(t *testing.T) {
	r := setup(t, nil)
	for _, id := range []string{"a", "b"} {
		r.enqueue("k", `{}`, drayhorse.ID(id), drayhorse.In(time.Hour), drayhorse.Queue("q"))
	}
	r.wants("the question", r.post("confirm", "action", "retry-job", "from", "jobs", "job", "q/a", "job", "q/gone", "job", "q/b").body,
		"Retry 3 jobs?", `value="q/a"`, `value="q/gone"`, `value="q/b"`)
	r.state("q", "a", drayhorse.Scheduled) // a question changes nothing
	a := r.post("do", "action", "retry-job", "from", "jobs", "job", "q/a", "job", "q/gone", "job", "q/b")
	r.wants("the outcome", a.body, "2 done, 1 not", "Not found: job gone")
	r.state("q", "a", drayhorse.Available)
	r.state("q", "b", drayhorse.Available)
	if a := r.post("confirm", "action", "retry-job", "from", "jobs"); a.code != http.StatusBadRequest || !strings.Contains(a.body, "Nothing was chosen") {
		t.Errorf("of none: %d %s", a.code, a.body)
	}
}

func TestSchedulesArePausedResumedAndTriggered(t *testing.T) {
	r := setup(t, nil)
	r.schedule(scheduler.Schedule{ID: "s", Every: 1000 * time.Hour, Args: drayhorse.Raw("k", json.RawMessage(`{}`)), Options: []drayhorse.Option{drayhorse.Queue("q")}})
	paused := func(want bool) {
		t.Helper()
		if s, err := r.admin.Schedule(t.Context(), "s"); err != nil || s.Paused.IsZero() == want || s.Next.IsZero() != want {
			t.Errorf("schedule %+v, %v; want paused %v", s, err, want)
		}
	}
	r.done(r.post("do", "action", "pause-schedule", "schedule", "s"), "schedule?id=s&done=pause-schedule", "The schedule is paused.")
	paused(true)
	r.done(r.post("do", "action", "resume-schedule", "schedule", "s", "from", "schedules"), "schedules?done=resume-schedule", "The schedule goes on.")
	paused(false)
	r.done(r.post("do", "action", "trigger-schedule", "schedule", "s"), "job?id=s%40", "A job was enqueued.")
	if q, err := r.admin.Queue(t.Context(), "q"); err != nil || q.Available != 1 {
		t.Errorf("queue %+v, %v; want the job", q, err)
	}
	r.wants("history", r.page("schedule?id=s"), "triggered", "available")
	// A year has eight ticks of 1,000 hours, and nearly nine; the same again enqueues none of them.
	r.wants("the question", r.page("confirm?action=backfill-schedule&schedule=s"), "Backfill schedule?", `name="since" required`, `name="until" required`)
	for range 2 {
		r.done(r.post("do", "action", "backfill-schedule", "schedule", "s", "since", "2026-01-01T00:00:00Z", "until", " 2026-12-31T23:00:00+01:00"), "schedule?id=s&done=backfill-schedule", "The ticks were enqueued.")
	}
	q, err := r.admin.Queue(t.Context(), "q")
	if err != nil || q.Available != 1+8 && q.Available != 1+9 {
		t.Errorf("queue %+v, %v; want the job, and 8 or 9 of the backfill", q, err)
	}
	for want, form := range map[string][]string{
		`since &#34;yesterday&#34;; want a time such as`: {"since", "yesterday", "until", "2026-12-31T00:00:00Z"}, "want both": {"since", "2026-12-31T00:00:00Z"},
		"is before from": {"since", "2026-12-31T00:00:00Z", "until", "2026-01-01T00:00:00Z"}, "with at least one": {"since", "2026-12-31T00:00:00Z", "until", "2026-12-31T00:00:01Z"},
	} {
		if a := r.post("do", append([]string{"action", "backfill-schedule", "schedule", "s"}, form...)...); a.code != http.StatusBadRequest || !strings.Contains(a.body, want) {
			t.Errorf("%v: %d; want %s: %s", form, a.code, want, a.body)
		}
	}
	for _, action := range []string{"pause-schedule", "resume-schedule", "trigger-schedule"} {
		if a := r.post("do", "action", action, "schedule", "none"); a.code != http.StatusNotFound {
			t.Errorf("%s of none: %d %s", action, a.code, a.body)
		}
	}
}

// TestBreakersAreClosed by a click, of a queue with one partition and of one with several: jobs start long before the
// cool-down is over.
func TestBreakersAreClosed(t *testing.T) {
	r := setup(t, nil)
	var works atomic.Bool
	for queue, partitions := range map[string]int{"one": 1, "two": 2} {
		if _, err := r.admin.CreateQueue(t.Context(), queue, partitions); err != nil {
			t.Fatal(err)
		}
		if err := r.admin.SetLimit(t.Context(), drayhorse.Limit{Name: "bank-" + queue, Queue: queue, Breaker: drayhorse.Breaker{Rate: 0.5, Min: 2, Window: time.Minute, CoolDown: time.Hour}}, ""); err != nil {
			t.Fatal(err)
		}
		for i := range 40 {
			r.enqueue("k", `{}`, drayhorse.Queue(queue), drayhorse.ID(fmt.Sprint(i)), drayhorse.MaxAttempts(1))
		}
		r.work(queue, func(context.Context, *drayhorse.Job[json.RawMessage]) error {
			if works.Load() {
				return nil
			}
			return errors.New("the bank is closed")
		})
	}
	stands := func(name string) admin.Limit {
		all, err := r.admin.Limits(t.Context())
		i := slices.IndexFunc(all, func(l admin.Limit) bool { return l.Name == name })
		if err != nil || i < 0 {
			t.Fatalf("limits %+v, %v", all, err)
		}
		return all[i]
	}
	waits := func(queue string) int {
		q, err := r.admin.Queue(t.Context(), queue)
		if err != nil {
			t.Fatal(err)
		}
		return q.Available + q.Running
	}
	for _, queue := range []string{"one", "two"} {
		name := "bank-" + queue
		redistest.Eventually(t, within, "the breaker of "+name+" is open wherever jobs wait", func() bool {
			l := stands(name)
			return l.State == drayhorse.BreakerOpen && l.Shut && l.Running == 0
		})
		if left := waits(queue); left == 0 {
			t.Errorf("queue %s: no job waits", queue)
		}
		redistest.Eventually(t, within, "the page has a button", func() bool {
			return strings.Contains(r.page("limits"), "confirm?action=close-breaker&amp;limit="+name)
		})
	}
	works.Store(true)
	for _, queue := range []string{"one", "two"} {
		r.done(r.post("do", "action", "close-breaker", "limit", "bank-"+queue, "reason", "they are back"), "limits?done=close-breaker", "The breaker is closed.")
		redistest.Eventually(t, within, "all jobs of "+queue+" have run", func() bool { return waits(queue) == 0 })
		if l := stands("bank-" + queue); l.State != drayhorse.BreakerClosed || l.Breaker.CoolDown != time.Hour {
			t.Errorf("afterwards %+v", l)
		}
	}
	if err := r.admin.SetLimit(t.Context(), drayhorse.Limit{Name: "plain", Queue: "one", Concurrency: 1}, ""); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"plain": http.StatusBadRequest, "nothing": http.StatusNotFound} {
		redistest.Eventually(t, within, "the refusal of "+name, func() bool {
			return r.post("do", "action", "close-breaker", "limit", name).code == want
		})
	}
}
