package dashboard_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// corpus is what strangers write where they may write something.
var corpus = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(2)>`, `' onmouseover='alert(3)`, `</title><svg/onload=alert(4)>`,
	`javascript:alert(5)`, `{{.Title}}`, `</textarea></pre></code><script src=//evil.example/x.js></script>`, `<!--`, `]]>`, `&lt;script&gt;`,
	"\u202egnp.exe\u2066", "pay\u200bpal\u2060", "\x1b[2J\x1b]0;title\a", "\x00\x7f", "\u009b2J", "\U000e0041\ufeff", "\xff\xfe",
}

// TestTextOfStrangersIsText in every field that a page shows, also in those that only a
// damaged Redis can have.
func TestTextOfStrangersIsText(t *testing.T) {
	r := setup(t, nil)
	raw := r.raw()
	all := strings.Join(corpus, " ")
	quoted, err := json.Marshal(map[string]any{all: []string{all}, "n": 1})
	if err != nil {
		t.Fatal(err)
	}
	r.work("q", func(_ context.Context, job *drayhorse.Job[json.RawMessage]) error {
		if job.ID == "good" {
			return job.SetResult(json.RawMessage(quoted))
		}
		return errors.New(all)
	})
	r.enqueue("k", string(quoted), drayhorse.ID("bad"), drayhorse.Queue("q"), drayhorse.MaxAttempts(1))
	r.enqueue("k", string(quoted), drayhorse.ID("good"), drayhorse.Queue("q"), drayhorse.Retain(time.Hour))
	r.state("q", "bad", drayhorse.Discarded)
	r.state("q", "good", drayhorse.Completed)
	row, err := json.Marshal(map[string]any{
		"id": all, "host": all, "version": all, "state": all, "queues": map[string]int{all: 1}, "queue_count": 1, "kinds": []string{all}, "kind_count": 1,
		"concurrency": 1, "running": 1, "jobs": []map[string]any{{"id": all, "kind": all, "queue": all}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ms := time.Now().Add(time.Hour).UnixMilli()
	schedule, err := json.Marshal(map[string]any{"id": "s", "kind": all, "queue": all, "args": json.RawMessage(quoted), "every": "1h", "timezone": "UTC"})
	if err != nil {
		t.Fatal(err)
	}
	detail, err := json.Marshal(map[string]string{"by": all, "why": all})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(
		raw.HSet(t.Context(), r.namespace+":{q}:limits", all, "operator|1|1|3,0,0|"+string(detail)).Err(),
		raw.HSet(t.Context(), r.namespace+":queues", all, "1").Err(),
		raw.HSet(t.Context(), r.namespace+":queues", "odd", all).Err(),
		raw.HSet(t.Context(), r.namespace+":{@workers}:workers", all, row).Err(),
		raw.HSet(t.Context(), r.namespace+":{@sched}:declarations", "s", "1|"+all+"|"+string(schedule), all, all).Err(),
		raw.ZAdd(t.Context(), r.namespace+":{@sched}:next", redisZ(ms, "s"), redisZ(ms, all)).Err(),
		raw.HSet(t.Context(), r.namespace+":{election@scheduler}:lease", "owner", "x", "identity", all, "token", "1", "since_ms", "1").Err(),
	); err != nil {
		t.Fatal(err)
	}
	announce := func() {
		t.Helper()
		if err := raw.ZAdd(t.Context(), r.namespace+":{@workers}:seen", redisZ(time.Now().UnixMilli()-1, all)).Err(); err != nil {
			t.Fatal(err)
		}
	}
	r.submit("order")
	if err := errors.Join(r.hset("{@flow/*}:flow:order", "cancelled", all), r.hset("{@flow/*}:steps:order", "l0", "j|q/0|"+all+"|"+all)); err != nil {
		t.Fatal(err)
	}
	redistest.Eventually(t, within, "the worker is seen", func() bool {
		announce()
		return strings.Contains(r.page("workers"), "&lt;script&gt;alert(1)")
	})
	esc := url.QueryEscape
	for _, path := range []string{
		"", "queues", "queue?queue=" + esc(all), "queue?queue=q", "queue?queue=odd", "jobs", "jobs?queue=q", "jobs?queue=" + esc(all), "jobs?kind=" + esc(all), "jobs?cursor=" + esc(all),
		"job?queue=q&id=bad", "job?queue=q&id=good", "job?queue=q&id=" + esc(all), "workers", "limits", "flows", "flows?stuck=1", "flow?id=order", "flow?id=" + esc(all), "flow?id=order&state=" + esc(all), "confirm?action=signal-flow&flow=order&step=" + esc(all) + "&value=" + esc(all),
		"schedules", "schedule?id=s", "schedule?id=" + esc(all),
		"redis", "find?id=" + esc(all), "queues?find=" + esc(all), "queues?after=" + esc(all), "confirm?action=" + esc(all), "confirm?action=pause-queue&queue=" + esc(all),
		"confirm?action=pause-schedule&schedule=" + esc(all), "confirm?action=retry-job&job=" + esc(all), "confirm?action=retry-job&job=q/bad&from=" + esc(all),
		esc(all), "?done=" + esc(all), "jobs?" + esc(all) + "=1",
	} {
		announce()
		a := r.get(path)
		if a.code >= 500 {
			t.Errorf("%.60s: %d %s", path, a.code, a.body)
		}
		for _, bad := range []string{"<script>alert", "<img src=x", "<svg/onload", "<script src=//", "' onmouseover='", "<!--", "href=\"javascript"} {
			if strings.Contains(a.body, bad) {
				t.Errorf("%.60s has %s", path, bad)
			}
		}
		for _, unseen := range []string{"\u202e", "\u200b", "\u2060", "\x1b", "\x00", "\x7f", "\u009b", "\U000e0041", "\ufeff", "\xff"} {
			if strings.Contains(a.body, unseen) {
				t.Errorf("%.60s has %q", path, unseen)
			}
		}
	}
	r.wants("the job", r.page("job?queue=q&id=bad"), `\u202egnp.exe`, "&lt;script&gt;alert(1)&lt;/script&gt;", `\x1b[2J`, "{{.Title}}")
	announce()
	r.wants("workers", r.page("workers"), "&lt;img src=x onerror=alert(2)&gt;")
	r.wants("limits", r.page("limits"), "&lt;img src=x onerror=alert(2)&gt;")
	r.wants("flows", r.page("flows"), "&lt;img src=x onerror=alert(2)&gt;")
	r.wants("a flow", r.page("flow?id=order"), "&lt;img src=x onerror=alert(2)&gt;", `\u202egnp.exe`)
	r.wants("schedules", r.page("schedules"), `\u202egnp.exe`)
	r.wants("the overview", r.page(""), "&lt;script&gt;alert(1)")
}
