package top

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/figures"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/scheduler"
)

// span is a duration as the screen has it, whether the machine was quick or not.
const span = `\d+(?: [µm]s|[smhd](?: \d+[smh])?)`

func TestSpanIsAnyDuration(t *testing.T) {
	t.Parallel()
	whole := regexp.MustCompile(`^` + span + `$`)
	for d := time.Microsecond; d < 100*24*time.Hour; d += d/7 + 1 {
		if text := figures.Rough(d); !whole.MatchString(text) {
			t.Errorf("%v is %q, which %s does not match", d, text, whole)
		}
	}
}

// matches wants the screen to match a pattern, at 80x24.
func (d *desk) matches(pattern string) {
	d.t.Helper()
	if text := d.screen(80); !regexp.MustCompile(pattern).MatchString(text) {
		d.t.Errorf("%s is not seen in\n%s", pattern, text)
	}
}

// running waits until the workers say that they run a job.
func (d *desk) running(id string) {
	d.t.Helper()
	redistest.Eventually(d.t, within, "a worker says that it runs "+id, func() bool {
		workers, err := d.admin.Workers(d.t.Context())
		for _, w := range workers {
			for _, j := range w.Jobs {
				if j.ID == id {
					return err == nil
				}
			}
		}
		return false
	})
}

func TestOverview(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.read()
	d.sees("1 Overview", "There are no queues", "leader none")
	d.everyState()
	d.running("running")
	d.read()
	d.sees("waiting", "2 Queues 1 ", "4 Workers 1 ", "In queue mail, 1 job waits for a worker that serves their kind.", "1 discarded job kept in 1 queue.", "1/4 slots, 1 worker", "MiB", "redis", "test @ here")
	d.matches(`waiting +running +retryable +scheduled +discarded +cancelled +completed\n 1 +1 +1 +1 +1 +1 +1`)
	d.matches(`(?m)^›mail +1 +` + span + ` +1 +1 +1 `)
	// What came in between two readings is in the rates, and in their bars.
	for i := range 50 {
		d.enqueue("nobody", fmt.Sprint(i), drayhorse.Queue("mail"))
	}
	redistest.Eventually(t, within, "the jobs are in the rates", func() bool {
		d.read()
		return d.m.reading.Rates[""].NowIn > 0
	})
	d.matches(`(?m)^ in +\S*[1-9]\S*/s .*█`)
}

func TestQueues(t *testing.T) {
	t.Parallel()
	d := setup(t)
	ctx := t.Context()
	d.everyState()
	d.enqueue("ok", "other", drayhorse.Queue("orders"))
	for _, err := range []error{
		d.admin.Pause(ctx, admin.Target{Queue: "orders"}, "their API\x1b[31m is down"), d.admin.Pause(ctx, admin.Target{Queue: "mail", Kind: "ok"}, "slow"),
		d.admin.SetLimit(ctx, drayhorse.Limit{Name: "smtp", Queue: "mail", Concurrency: 3}, "fragile"), d.admin.SetMaxDepth(ctx, "orders", 1),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	d.press("2")
	d.read()
	d.chosen("mail")
	d.sees("orders", "Kind ok is paused by ann", "slow", "Limit smtp: 3 at once", "(fragile)", "1 parked")
	d.press("j")
	d.read()
	d.chosen("orders")
	d.sees("Paused by ann", `their API\x1b[31m is down`, "1 of at most 1 live jobs", "P resume")
	d.press("/")
	d.types("mai")
	d.press("enter")
	d.sees(`1 of 1 queue with "mai" in the name`)
	if strings.Contains(d.screen(80), "orders") {
		t.Errorf("orders is found, too:\n%s", d.screen(80))
	}
	d.press("enter") // into its jobs
	d.sees("filter queue:mail", "cancelled", "completed")
	d.press("esc")
	d.press("esc")
	d.sees("orders")
}

func TestJobs(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.everyState()
	d.press("3")
	for _, s := range drayhorse.States() {
		d.matches(`(?m)^.` + string(s) + ` +` + string(s) + ` `)
	}
	d.press("/")
	d.types("state:discarded eror:x")
	d.sees("at character 17: \"eror\" is not known")
	d.matches(`(?m)^.*│ state:discarded eror:x.*\n.*│                 \^ `)
	d.press("enter") // it is wrong: nothing happens
	if d.m.edit == nil {
		t.Fatal("a wrong filter was taken")
	}
	d.press("ctrl+w")
	d.types(`error:"no such"`)
	d.press("enter")
	d.sees(`filter state:discarded error:"no such"`, "no such")
	if text := d.screen(140); !strings.Contains(text, `no such \x1b[31muser\u202e`) {
		t.Errorf("the error is not there in\n%s", text)
	}
	d.matches(`(?m)^›discarded discarded +dead`)
	if text := d.screen(80); strings.Count(text, "\n›")+strings.Count(text, "\n discarded") != 1 {
		t.Errorf("others are there, too:\n%s", text)
	}
	d.press("/")
	d.press("ctrl+u")
	d.types("queue:nowhere")
	d.m.press("enter")
	if a := d.r.read(t.Context(), d.m.want()); a.wrong == nil {
		t.Error("a queue that is not there is no error")
	} else {
		d.m.take(a)
	}
	d.sees("not found", `"nowhere"`)
}

func TestAFilterIsCompleted(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.everyState()
	d.enqueue("ok", "other", drayhorse.Queue("orders"))
	d.press("3")
	d.read()
	typed := func(text string, keys ...key) {
		t.Helper()
		d.press(keys...)
		if got := d.m.edit.value(); got != text {
			t.Errorf("%q is typed; want %q", got, text)
		}
	}
	typed("", "/", "x", "backspace")
	typed("queue:", "q", "tab")
	typed("queue:", "tab")
	d.sees("queue:mail  queue:orders")
	typed("queue:orders", "o", "tab")
	d.sees("Tab completes")
	typed("queue:orders state:c", " ", "S", "T", "tab", "c", "tab")
	d.sees("state:completed  state:cancelled")
	typed("queue:orders state:completed", "o", "tab", "tab")
	typed("queue:orders state:completed nothing", " ", "n", "o", "t", "h", "i", "n", "g", "tab")
	d.press("home", "tab")
	d.sees("state:  queue:  kind:")
	d.press("esc")
}

func TestPagesOfJobs(t *testing.T) {
	t.Parallel()
	d := setup(t)
	for i := range jobsShown + 5 {
		d.enqueue("ok", fmt.Sprintf("job-%03d", i))
	}
	d.press("3")
	d.sees("page 1, n has more", "job-000")
	d.press("n")
	d.sees("page 2", fmt.Sprintf("job-%03d", jobsShown+4))
	d.press("n")
	d.sees("This is the last page.")
	d.press("b")
	d.sees("page 1, n has more", "job-000")
	d.press("b")
	d.sees("This is the first page.")
}

func TestOneJob(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.everyState()
	d.press("3")
	list := d.m.current().(*jobsView).list
	for r, _ := list.chosen(); r.value.ID != "retryable"; r, _ = list.chosen() {
		d.press("j")
	}
	d.press("enter")
	d.sees("job retryable", "state      retryable", "attempt    2 of 25", "retry      attempt 2 of 25 is due later", "attempt 1 ", "connection refused", "second line", "R run now")
	d.press("G")
	d.sees("Arguments", `"n": 9223372036854775807`)
	if err := d.admin.Delete(t.Context(), "mail", "retryable"); err != nil {
		t.Fatal(err)
	}
	d.read()
	d.press("g")
	d.sees("It is gone:", "connection refused") // what was known stays
	d.press("esc")
	d.chosen("retryable")
	d.matches(`(?m)^›retryable .*\(gone\)$`)
	d.enqueue("nobody", "explained", drayhorse.Queue("mail"))
	d.m.enter(newJob(&drayhorse.Info{Queue: "mail", ID: "explained"}))
	redistest.Eventually(t, within, "the worker has set it aside", func() bool {
		d.read()
		return strings.Contains(d.screen(80), "has a handler for kind nobody")
	})
	d.sees("Why it is where it is")
}

func TestWorkers(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.press("4")
	d.sees("No worker runs.")
	d.everyState()
	d.running("running")
	d.read()
	d.matches(`(?m)^›\S+ +\d+ working +1/4 `)
	d.sees("runs 1 job ", "FOR", "running", "hang")
	d.press("enter")
	d.sees("1 of 4 slots in use", "queues mail=1")
	d.matches(`(?m)^› +` + span + ` running +hang +mail +1`)
	d.press("enter")
	d.sees("job running", "running    attempt 1 runs on ", "C cancel")
}

func TestSchedules(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.press("5")
	d.sees("There are no schedules.")
	s, err := scheduler.New(scheduler.Config{RedisURL: d.url, Namespace: d.namespace, Source: "test"})
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range []scheduler.Schedule{
		{ID: "hourly", Cron: "0 * * * *", Timezone: "Europe/Paris"}, {ID: "often", Every: 90 * time.Minute}, {ID: "by-hand", Manual: true},
	} {
		one.Args = drayhorse.Raw("ok", json.RawMessage(`{"n":1}`))
		if err := s.Add(one); err != nil {
			t.Fatal(err)
		}
	}
	d.runs(s)
	redistest.Eventually(t, within, "the schedules are there", func() bool {
		page, err := d.admin.Schedules(t.Context(), "")
		leader, failed := d.admin.Leader(t.Context())
		return err == nil && failed == nil && leader != nil && len(page.Schedules) == 3
	})
	d.read()
	d.chosen("by-hand")
	d.sees("0 * * * * in Eu…", "every 1h30m", "in ")
	d.press("j", "P", "y")
	d.sees("Paused schedule hourly.")
	d.matches(`(?m)^›hourly .* paused `)
	if s, err := d.admin.Schedule(t.Context(), "hourly"); err != nil || s.Paused.IsZero() {
		t.Errorf("%+v, %v; want it paused", s, err)
	}
	d.press("P", "y")
	d.sees("Resumed schedule hourly.")
	d.press("k", "enter", "T", "n")
	d.sees("Nothing was done.", "It has not fired yet.", "by-hand")
	d.press("T", "y")
	d.sees("Ran schedule by-hand: job ")
	d.read()
	d.matches(`(?m)^›(now|` + span + ` ago) .* available`)
	d.press("enter")
	d.sees("state      available", "kind       ok")
}

func TestLimits(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.press("6")
	d.sees("There are no limits.")
	ctx := t.Context()
	d.work("mail")
	for _, l := range []drayhorse.Limit{
		{Name: "api", Queue: "mail", Kind: "dead", Breaker: drayhorse.Breaker{Rate: 0.5, Min: 1, Window: time.Minute, CoolDown: time.Hour, Probes: 1}},
		{Name: "smtp", Queue: "mail", Concurrency: 1, Rate: drayhorse.Rate{Jobs: 100, Per: time.Second, Burst: 20}},
		{Name: "stripe", Kind: "charge", Concurrency: 7},
	} {
		if err := d.admin.SetLimit(ctx, l, "their\x1b[31m API"); err != nil {
			t.Fatal(err)
		}
	}
	d.enqueue("dead", "fails", drayhorse.Queue("mail"))
	d.state("fails", drayhorse.Discarded)
	d.enqueue("hang", "holds", drayhorse.Queue("mail"))
	d.state("holds", drayhorse.Running)
	d.enqueue("ok", "waits", drayhorse.Queue("mail"))
	redistest.Eventually(t, within, "the queue is known, and its limits with it", func() bool {
		d.read()
		return strings.Contains(d.screen(80), "smtp")
	})
	d.press("g")
	d.chosen("api")
	d.matches(`(?m)^›api +mail, kind dead +all but failures +– +\S+ +broken ` + span)
	d.matches(`(?m)^ smtp +mail +1 at once, 100/1s +1 +1 +full`)
	d.matches(`(?m)^ stripe +kind charge +7 at once +– +– +lets start`)
	d.sees("Breaker: 50% of 1 in 1m, cools down 1h, tries 1", `Set by ann, `, `their\x1b[31m API`, "B close breaker", "D remove")
	d.press("B")
	d.types("they are back")
	d.press("enter", "y")
	d.sees("Closed the breaker of limit api.")
	d.read()
	d.matches(`(?m)^›api .*lets start`)
	d.press("B") // it has none that is open
	d.sees("Key B does nothing here")
	d.press("j")
	d.chosen("smtp")
	d.sees("After a quiet time 20 start at once.")
	d.press("D")
	d.press("enter", "n")
	d.sees("Nothing was done.", "smtp")
	d.press("D")
	d.press("enter", "y")
	d.sees("Removed limit smtp.")
	d.state("waits", drayhorse.Completed)
	d.read()
	d.matches(`(?m)^›smtp .*\(gone\)`)
	d.press("k", "enter")
	d.sees("filter queue:mail kind:dead", "fails")
}
