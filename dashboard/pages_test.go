package dashboard_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/dashboard"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/scheduler"
)

// furnish fills a namespace with something of everything.
func (r *rig) furnish() {
	r.t.Helper()
	r.schedule(scheduler.Schedule{ID: "nightly", Cron: "0 3 * * *", Timezone: "Europe/Paris", Args: drayhorse.Raw("k", json.RawMessage(`{"n":1}`)), Options: []drayhorse.Option{drayhorse.Queue("q")}})
	r.enqueue("k", `{"n":1}`, drayhorse.ID("dead"), drayhorse.MaxAttempts(1), drayhorse.Queue("q"))
	r.enqueue("k", `{"n":18446744073709551615}`, drayhorse.ID("done"), drayhorse.Retain(time.Hour), drayhorse.Queue("q"))
	r.enqueue("k", `{"n":2}`, drayhorse.ID("again"), drayhorse.MaxAttempts(3), drayhorse.Queue("q"))
	r.enqueue("k", `{"n":3}`, drayhorse.ID("runs"), drayhorse.Queue("q"))
	r.enqueue("other", `{}`, drayhorse.ID("parked"), drayhorse.Queue("q"))
	r.enqueue("k", `{}`, drayhorse.ID("later"), drayhorse.In(time.Hour), drayhorse.Queue("q"))
	r.enqueue("k", `{}`, drayhorse.ID("waits"), drayhorse.Queue(".."))
	r.work("q", func(ctx context.Context, job *drayhorse.Job[json.RawMessage]) error {
		switch job.ID {
		case "done":
			return job.SetResult(map[string]int{"made": 7})
		case "runs":
			<-ctx.Done()
			return ctx.Err()
		case "dead":
			panic("out of hay")
		}
		return drayhorse.RetryAfter(time.Hour, errors.New("the harness broke"))
	})
	r.state("q", "dead", drayhorse.Discarded)
	r.state("q", "done", drayhorse.Completed)
	r.state("q", "again", drayhorse.Retryable)
	r.state("q", "runs", drayhorse.Running)
	redistest.Eventually(r.t, within, "a worker says what it runs", func() bool {
		workers, err := r.admin.Workers(r.t.Context())
		return err == nil && len(workers) == 1 && len(workers[0].Jobs) == 1
	})
}

func TestPagesShowWhatThereIs(t *testing.T) {
	r := setup(t, nil)
	r.furnish()
	for _, l := range []drayhorse.Limit{
		{Name: "smtp", Queue: "q", Kind: "k", Concurrency: 4, Breaker: drayhorse.Breaker{Rate: 0.5, Window: time.Minute, CoolDown: time.Minute}},
		{Name: "quota", Kind: "other", Rate: drayhorse.Rate{Jobs: 100, Per: time.Minute, Burst: 20}},
		{Name: "tenants", Queue: "q", PerGroup: true, Concurrency: 3},
		{Name: "one", Queue: "..", Kind: "k", Concurrency: 1},
	} {
		if err := r.admin.SetLimit(t.Context(), l, "their <quota>"); err != nil {
			t.Fatal(err)
		}
	}
	for page, texts := range map[string][]string{
		"":                                      {"Overview", `href="queue?queue=q"`, "nightly", "1 discarded job kept in 1 queue", "No worker works on queue .., and 1 job waits.", "completed <b>1</b>", "discarded <b>1</b>"},
		"?range=90d":                            {"History", `href="./?range=24h"`, "completed <b>1</b>", "Ended per 1d"},
		"queues":                                {`href="queue?queue=..">..</a>`, `href="confirm?action=pause-queue&amp;from=queues&amp;queue=q"`, "2 queues"},
		"queue?queue=..&range=72h":              {"Nothing in this time", `aria-current="true">72 hours`},
		"queue?queue=q":                         {"History", `href="queue?queue=q&amp;range=24h"`, "failed attempts <b>1</b>", "Since the queue exists", "enqueued", "panic: out of hay", "job?id=dead&amp;queue=q"},
		"jobs":                                  {"dead", "later", "the harness broke", "waits"},
		"jobs?queue=q&state=retryable":          {"again", "the harness broke"},
		"jobs?queue=q&kind=other":               {"parked"},
		"job?queue=q&id=dead":                   {"discarded", "panic: out of hay", "goroutine", "Attempt 1", "retry-job", "delete-job"},
		"job?queue=q&id=done":                   {"completed", "18446744073709551615", "made", "7"},
		"job?queue=q&id=runs":                   {"running", "Runs</b> for", "cancel-job"},
		"job?queue=q&id=again":                  {"retryable", "Attempt 2 is due", "ahead"},
		"job?queue=..&id=waits":                 {"Why it waits:", "no worker works on queue .."},
		"workers":                               {"1 of 4", `job?id=runs&amp;queue=q`, "working"},
		"limits":                                {"smtp", "<b>1</b> of 4", "closed", "50% of 10 in 1m, cools down 1m, tries 1", "quota", "all queues", "100/1m", "bursts of 20", "at most 3 of each", "their &lt;quota&gt;"},
		"schedules":                             {"nightly", "0 3 * * * in Europe/Paris", "leads since"},
		"schedule?id=nightly":                   {"Next ticks", "in Europe/Paris", "trigger-schedule"},
		"redis":                                 {"redis 7", "answers in", "Clients"},
		"confirm?action=pause-queue&queue=q":    {"Pause queue?", `method="post" action="do"`},
		"confirm?action=retry-job&job=q%2Fdead": {"Retry 1 job?", "dead"},
		"confirm?action=delete-queue&queue=q":   {"Type its name"},
	} {
		r.wants(page, r.page(page), texts...)
	}
	where := url.QueryEscape(`state:discarded error:"out of HAY" after:1h`)
	if body := r.page("jobs?where=" + where); !strings.Contains(body, "job?id=dead&amp;queue=q") || strings.Contains(body, "job?id=done") {
		t.Errorf("the filter in words finds %s", body)
	}
	r.wants("a wrong filter", r.page("jobs?where=sate:x"), `at character 1: &#34;sate&#34; is not known`, `value="sate:x"`)
	if body := r.page("jobs?queue=q&state=retryable"); strings.Contains(body, "job?id=later") {
		t.Errorf("a scheduled job is among the retryable ones")
	}
	a := r.get("job.json?queue=q&id=done")
	var info drayhorse.Info
	if err := json.Unmarshal([]byte(a.body), &info); err != nil || !strings.Contains(string(info.Args), "18446744073709551615") || !strings.Contains(a.header.Get("Content-Disposition"), `attachment; filename=job-done.json`) {
		t.Errorf("download: %+v %s", a, err)
	}
	for id, want := range map[string]string{"dead": "job?id=dead&queue=q", "q": "queue?queue=q", "nightly": "schedule?id=nightly", "..": "queue?queue=.."} {
		if a := r.get("find?id=" + id); a.code != http.StatusSeeOther || a.header.Get("Location") != want {
			t.Errorf("find %s: %d to %q; want %s", id, a.code, a.header.Get("Location"), want)
		}
	}
	if a := r.get("find?id=nothing"); a.code != http.StatusNotFound {
		t.Errorf("find nothing: %d", a.code)
	}
}

// TestListsGoOn: page by page each job comes once.
func TestListsGoOn(t *testing.T) {
	r := setup(t, nil)
	for i := range 45 {
		r.enqueue("k", `{}`, drayhorse.ID(fmt.Sprintf("job-%02d", i)))
	}
	seen := map[string]int{}
	pages := 0
	next := regexp.MustCompile(`<a class="button" href="(jobs[^"]+)">Next page`)
	id := regexp.MustCompile(`<a class="id" href="[^"]+">([^<]+)</a>`)
	for path := "jobs?queue=default&limit=20"; path != ""; pages++ {
		body := r.page(path)
		for _, m := range id.FindAllStringSubmatch(body, -1) {
			seen[m[1]]++
		}
		path = ""
		if m := next.FindStringSubmatch(body); m != nil {
			path = html.UnescapeString(m[1])
		}
	}
	if len(seen) != 45 || pages != 3 {
		t.Errorf("%d jobs on %d pages: %v; want 45 on 3", len(seen), pages, seen)
	}
	for i := range 230 {
		r.enqueue("k", `{}`, drayhorse.Queue(fmt.Sprintf("queue-%03d", i)))
		if _, err := r.jobs.NewBatch(t.Context(), flow.Batch{ID: fmt.Sprintf("flow-%03d", i)}); err != nil {
			t.Fatal(err)
		}
	}
	redistest.Eventually(t, within, "a new reading", func() bool { return strings.Contains(r.page("queues"), "231 queues") })
	for list, want := range map[string]int{"queues": 231, "flows": 230} {
		count := 0
		for path := list; path != ""; {
			body := r.page(path)
			count += strings.Count(body, `<a class="name"`)
			path = ""
			if m := regexp.MustCompile(`href="(` + list + `\?[^"]+)">Next page`).FindStringSubmatch(body); m != nil {
				path = html.UnescapeString(m[1])
			}
		}
		if count != want {
			t.Errorf("%d on all pages of %s; want %d", count, list, want)
		}
	}
	r.wants("overview", r.page(""), "Of the first 200 of 231 queues")
}

// TestLinksLeadSomewhere under whatever path the dashboard is mounted: all that pages link
// to is there.
func TestLinksLeadSomewhere(t *testing.T) {
	r := setup(t, nil)
	r.furnish()
	prefixed, err := dashboard.New(dashboard.Config{Admin: r.admin, Prefix: "/ops/jobs"})
	if err != nil {
		t.Fatal(err)
	}
	stripped := http.NewServeMux()
	stripped.Handle("/a/b/", http.StripPrefix("/a/b", r.handler))
	for _, mount := range []struct {
		handler http.Handler
		path    string
	}{{r.handler, "/"}, {prefixed, "/ops/jobs/"}, {stripped, "/a/b/"}} {
		r.serve(mount.handler, mount.path)
		if n := r.crawl(); n < 30 {
			t.Errorf("under %s only %d pages were found", mount.path, n)
		}
	}
	r.serve(prefixed, "/other")
	if a := r.get("/jobs"); a.code != http.StatusNotFound {
		t.Errorf("another path: %d", a.code)
	}
	r.serve(prefixed, "/ops")
	if a := r.get("/jobs"); a.code != http.StatusSeeOther || a.header.Get("Location") != "jobs/" {
		t.Errorf("without the slash: %d to %q", a.code, a.header.Get("Location"))
	}
}

// crawl asks for all that can be reached by links, and says how many pages there were.
func (r *rig) crawl() int {
	r.t.Helper()
	start, err := url.Parse(r.base)
	if err != nil {
		r.t.Fatal(err)
	}
	links := regexp.MustCompile(`(?:href|src)="([^"]*)"`)
	seen, left := map[string]bool{}, []string{r.base}
	for len(left) > 0 && len(seen) < 500 {
		at := left[0]
		left = left[1:]
		if seen[at] {
			continue
		}
		seen[at] = true
		a := r.get(strings.TrimPrefix(at, r.base))
		if a.code != http.StatusOK {
			r.t.Errorf("%s: %d %s", at, a.code, a.body)
		}
		if !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
			continue
		}
		from, _ := url.Parse(at)
		for _, m := range links.FindAllStringSubmatch(a.body, -1) {
			to, err := from.Parse(html.UnescapeString(m[1]))
			if err != nil || to.Host != start.Host || !strings.HasPrefix(to.Path, start.Path) {
				r.t.Errorf("%s links to %q", at, m[1])
				continue
			}
			to.Fragment = ""
			left = append(left, to.String())
		}
	}
	return len(seen)
}
