package dashboard_test

import (
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/dashboard"
	"github.com/drayhorse/drayhorse/internal/logtest"
)

// TestHeadersOfEveryAnswer: this is the whole of what protects a page in a browser, and
// changes on purpose alone.
func TestHeadersOfEveryAnswer(t *testing.T) {
	r := setup(t, nil)
	want := map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
		"X-Content-Type-Options":  "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		"Permissions-Policy": "camera=(), geolocation=(), microphone=()", "Cache-Control": "no-store",
	}
	if !maps.Equal(dashboard.Headers(), want) {
		t.Errorf("headers are %v", dashboard.Headers())
	}
	for path, code := range map[string]int{"": 200, "nothing": 404, "jobs?x=1": 400, "job?queue=q&id=none": 404, "static/style.css": 200, "find?id=none": 404} {
		a := r.get(path)
		for name, value := range want {
			if got := a.header.Values(name); len(got) != 1 || got[0] != value {
				t.Errorf("%s: %s is %q; want %q", path, name, got, value)
			}
		}
		if a.code != code || len(a.header.Values("Set-Cookie")) > 0 || a.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %d %v", path, a.code, a.header)
		}
	}
}

// TestPagesHaveNothingInline that the policy would refuse.
func TestPagesHaveNothingInline(t *testing.T) {
	r := setup(t, nil)
	r.furnish()
	for _, path := range []string{"", "queues", "queue?queue=q", "jobs", "job?queue=q&id=dead", "workers", "schedules", "schedule?id=nightly", "edit-schedule", "redis", "confirm?action=delete-queue&queue=q"} {
		body := strings.ToLower(r.page(path))
		for _, bad := range []string{"<style", " style=", "javascript:", " onclick", " onload", " onerror", "http://", "https://", "//cdn"} {
			if strings.Contains(body, bad) {
				t.Errorf("%s has %q", path, bad)
			}
		}
		if n, m := strings.Count(body, "<script"), strings.Count(body, `<script src="static/`); n != m {
			t.Errorf("%s has %d scripts, %d of them files", path, n, m)
		}
	}
}

// byHeader lets ann do everything, and others read.
func byHeader(q *http.Request) (dashboard.User, error) {
	user := dashboard.User{Name: q.Header.Get("X-User"), Role: dashboard.Reader, Scope: []string{"*"}}
	if user.Name == "ann" {
		user.Role = dashboard.Admin
	}
	return user, nil
}

// TestEveryRouteRefuses what no route may answer: walked by the table, so that a new one
// cannot be forgotten.
func TestEveryRouteRefuses(t *testing.T) {
	r := setup(t, func(c *dashboard.Config) {
		c.Authenticate = byHeader
	})
	readOnly, err := dashboard.New(dashboard.Config{Admin: r.admin, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	all := dashboard.Routes(r.handler)
	if len(all) < 15 {
		t.Fatalf("%d routes", len(all))
	}
	ann := func(q *http.Request) { q.Header.Set("X-User", "ann") }
	for _, route := range all {
		path := strings.TrimPrefix(route.Path, "/")
		try := func(what string, code int, change func(*http.Request)) {
			t.Helper()
			a := r.do(route.Method, path, "", func(q *http.Request) { ann(q); change(q) })
			if a.code != code {
				t.Errorf("%s %s, %s: %d; want %d", route.Method, route.Path, what, a.code, code)
			}
		}
		for _, host := range []string{"evil.example", "127.0.0.1.evil.example", "localhost.evil.example:7080", "10.0.0.1", "[::2]:80", ""} {
			try("host "+host, http.StatusForbidden, func(q *http.Request) {
				if q.Host = host; host == "" {
					q.Host = "."
				}
			})
		}
		for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions, "PURGE"} {
			if a := r.do(method, path, "", ann); a.code != http.StatusMethodNotAllowed || a.header.Get("Allow") == "" {
				t.Errorf("%s %s: %d", method, route.Path, a.code)
			}
		}
		if route.Method == http.MethodGet {
			try("an unknown parameter", http.StatusBadRequest, func(q *http.Request) { q.URL.RawQuery = "zz=1" })
			try("a long address", http.StatusRequestURITooLong, func(q *http.Request) { q.URL.RawQuery = "done=" + strings.Repeat("x", 9000) })
			if route.Changes {
				t.Errorf("GET %s changes something", route.Path)
			}
			continue
		}
		if !route.Changes && route.Path != "/reveal" {
			t.Errorf("%s %s is no change", route.Method, route.Path)
		}
		try("cross-site", http.StatusForbidden, func(q *http.Request) { q.Header.Set("Sec-Fetch-Site", "cross-site") })
		try("same-site", http.StatusForbidden, func(q *http.Request) { q.Header.Set("Sec-Fetch-Site", "same-site") })
		try("another origin", http.StatusForbidden, func(q *http.Request) { q.Header.Set("Origin", "http://evil.example") })
		try("no origin", http.StatusForbidden, func(q *http.Request) { q.Header.Set("Origin", "null") })
		try("nothing said", http.StatusForbidden, func(q *http.Request) { q.Header.Del("Origin") })
		try("parameters in the address", http.StatusBadRequest, func(q *http.Request) { q.URL.RawQuery = "action=pause-queue" })
		try("JSON", http.StatusUnsupportedMediaType, func(q *http.Request) { q.Header.Set("Content-Type", "application/json") })
		try("plain text", http.StatusUnsupportedMediaType, func(q *http.Request) { q.Header.Set("Content-Type", "text/plain") })
		try("who may not", http.StatusForbidden, func(q *http.Request) { q.Header.Set("X-User", "bob") })
		if a := r.do(route.Method, path, "zz=1", ann); a.code != http.StatusBadRequest {
			t.Errorf("%s, an unknown parameter: %d", route.Path, a.code)
		}
		if a := r.do(route.Method, path, "action="+strings.Repeat("x", 200_000), ann); a.code != http.StatusRequestEntityTooLarge {
			t.Errorf("%s, a long form: %d", route.Path, a.code)
		}
		for _, left := range dashboard.Routes(readOnly) {
			if left.Changes {
				t.Errorf("read-only: %s %s is there", left.Method, left.Path)
			}
		}
	}
}

// TestWhoMayNotChangeSeesNoButtons, and no question.
func TestWhoMayNotChangeSeesNoButtons(t *testing.T) {
	r := setup(t, func(c *dashboard.Config) { c.ReadOnly = true })
	r.furnish()
	for _, path := range []string{"", "queues", "queue?queue=q", "jobs", "job?queue=q&id=dead", "schedules", "schedule?id=nightly"} {
		body := r.page(path)
		if strings.Contains(body, "confirm?") || strings.Contains(body, `type="checkbox" name`) || strings.Contains(body, `name="action"`) {
			t.Errorf("%s offers to change something", path)
		}
		r.wants(path, body, "read only")
	}
	if a := r.get("confirm?action=pause-queue&queue=q"); a.code != http.StatusForbidden {
		t.Errorf("the question: %d", a.code)
	}
	if a := r.post("do", "action", "pause-queue", "queue", "q"); a.code != http.StatusNotFound {
		t.Errorf("the deed: %d", a.code)
	}
	if q, err := r.admin.Queue(t.Context(), "q"); err != nil || q.Paused {
		t.Errorf("queue %+v, %v; want it to go on", q, err)
	}
}

func TestParametersHaveLimits(t *testing.T) {
	r := setup(t, nil)
	r.enqueue("k", `{}`)
	for _, path := range []string{
		"jobs?limit=201", "jobs?limit=0", "jobs?limit=-1", "jobs?limit=x", "jobs?state=nothing", "jobs?kind=a+b", "jobs?queue=a%2Fb", "jobs?queue=%00",
		"jobs?cursor=zz", "jobs?queue=q&queue=p", "job?id=a", "job?queue=a%2Fb&id=c", "job?queue=q&id=", "job?queue=q&id=a%0ab",
		"workers?page=0", "workers?page=99999999", "schedules?cursor=-1", "schedules?cursor=x", "schedule?id=a%2Fb", "jobs?kind=" + strings.Repeat("k", 4097),
		"confirm?action=drop-everything&queue=q", "confirm?action=pause-queue&queue=a%2Fb", "confirm?action=retry-job&job=q", "jobs?%zz",
	} {
		if a := r.get(path); a.code != http.StatusBadRequest {
			t.Errorf("%.80s: %d; want 400", path, a.code)
		}
	}
	form := []string{"action", "retry-job"}
	for range 201 {
		form = append(form, "job", "q/a")
	}
	if a := r.post("do", form...); a.code != http.StatusBadRequest {
		t.Errorf("201 jobs: %d", a.code)
	}
}

// TestGETsChangeNothing in Redis, whatever page it is, but for until when somebody listens.
func TestGETsChangeNothing(t *testing.T) {
	r := setup(t, nil)
	r.enqueue("k", `{}`, drayhorse.Queue("q"), drayhorse.ID("a"))
	raw := r.raw()
	dump := func() map[string]string {
		all := map[string]string{}
		keys, err := raw.Keys(t.Context(), r.namespace+":*").Result()
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range keys {
			if strings.HasSuffix(key, ":{@workers}:listening") {
				continue
			}
			if all[key], err = raw.Dump(t.Context(), key).Result(); err != nil {
				t.Fatal(err)
			}
		}
		return all
	}
	before := dump()
	if len(before) == 0 {
		t.Fatal("nothing is there")
	}
	for _, route := range dashboard.Routes(r.handler) {
		if route.Method != http.MethodGet {
			continue
		}
		query := "?action=delete-job&queue=q&job=q/a&id=a&schedule=s&state=available"
		var some []string
		for _, pair := range strings.Split(query[1:], "&") {
			if name, _, _ := strings.Cut(pair, "="); slices.Contains(route.Params, name) {
				some = append(some, pair)
			}
		}
		r.get(strings.TrimPrefix(route.Path, "/") + "?" + strings.Join(some, "&"))
	}
	if after := dump(); !maps.Equal(before, after) {
		t.Errorf("keys were %d and are %d, or their values changed", len(before), len(after))
	}
}

// TestWhoDidWhatIsLogged, refusals too.
func TestWhoDidWhatIsLogged(t *testing.T) {
	log := &logtest.Buffer{}
	r := setup(t, func(c *dashboard.Config) {
		c.Logger = slog.New(slog.NewTextHandler(log, nil))
		c.Authenticate = byHeader
	})
	r.enqueue("k", `{}`, drayhorse.Queue("q"))
	for _, user := range []string{"ann", "bob"} {
		r.do(http.MethodPost, "do", "action=pause-queue&queue=q", func(q *http.Request) { q.Header.Set("X-User", user) })
	}
	for _, want := range []string{"msg=audit peer=127.0.0.1 user=ann role=admin action=pause-queue result=done queue=q", `msg="request refused" peer=127.0.0.1 user=bob role=reader action="POST /do" result="You may look`} {
		if text := log.String(); !strings.Contains(text, want) {
			t.Errorf("the log has no %q:\n%s", want, text)
		}
	}
}
