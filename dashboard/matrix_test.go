package dashboard_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/dashboard"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/scheduler"
)

// roles, the least first.
var roles = []dashboard.Role{dashboard.Viewer, dashboard.Reader, dashboard.Operator, dashboard.Admin}

// scopes of the users of the matrix.
var scopes = map[string][]string{"all": {"*"}, "mail": {"mail"}, "refund": {"orders/refund"}, "none": nil}

// byName is the login of an application that has users such as admin-all.
func byName(q *http.Request) (dashboard.User, error) {
	role, name, _ := strings.Cut(q.Header.Get("X-User"), "-")
	if role == "" {
		return dashboard.User{}, errors.New("nobody <b>said</b> who it is")
	}
	return dashboard.User{Name: role + "-" + name, Role: dashboard.Role(role), Scope: scopes[name]}, nil
}

// as makes requests of a user.
func as(user string) func(*http.Request) {
	return func(q *http.Request) { q.Header.Set("X-User", user) }
}

// sample is a request of a route, and who may make it.
type sample struct {
	method, path, body string
	least              dashboard.Role
	within             string // names of the scopes that it is in; "": all of them
	outside            int    // the answer where it is out of scope
}

// samples are requests of every route and every action. JOB is replaced by an ID that is the
// user's own, so that nobody's deeds disturb another's.
func samples(action string) []sample {
	get := func(path string, least dashboard.Role, within string, outside int) sample {
		return sample{http.MethodGet, path, "", least, within, outside}
	}
	post := func(path, body string, least dashboard.Role, within string, outside int) sample {
		return sample{http.MethodPost, path, body, least, within, outside}
	}
	const everywhere = ""
	all := []sample{
		get("", dashboard.Viewer, everywhere, 0),
		get("queues", dashboard.Viewer, everywhere, 0),
		get("queue?queue=mail", dashboard.Viewer, "all mail", 404),
		get("queue?queue=orders", dashboard.Viewer, "all", 404),
		get("jobs", dashboard.Viewer, everywhere, 0),
		get("jobs?queue=mail", dashboard.Viewer, "all mail", 404),
		get("jobs?where=queue:orders", dashboard.Viewer, "all refund", 404),
		get("jobs?where=error:x", dashboard.Reader, everywhere, 0),
		get("jobs?where=x", dashboard.Reader, everywhere, 0),
		get("jobs?where=tag:x", dashboard.Viewer, everywhere, 0),
		get("jobs?where=args.user.id:42", dashboard.Reader, everywhere, 0),
		get("jobs?where=args.user.password:x", dashboard.Admin, everywhere, 0),
		get("complete?where=queue:", dashboard.Viewer, everywhere, 0),
		get("job?queue=mail&id=JOB", dashboard.Viewer, "all mail", 404),
		get("job?queue=orders&id=refund-JOB", dashboard.Viewer, "all refund", 404),
		get("job?queue=orders&id=other-JOB", dashboard.Viewer, "all", 404),
		get("edit-job?queue=mail&id=JOB", dashboard.Admin, "all mail", 404),
		post("edit-job", "queue=mail&id=JOB&args=1", dashboard.Admin, "all mail", 404),
		post("edit-job", "queue=orders&id=refund-JOB&args=1", dashboard.Admin, "all refund", 404),
		get("job.json?queue=mail&id=JOB", dashboard.Reader, "all mail", 404),
		get("job.json?queue=orders&id=refund-JOB", dashboard.Reader, "all refund", 404),
		get("actions", dashboard.Reader, everywhere, 0),
		get("action?id="+action, dashboard.Reader, "all mail", 404),
		get("events", dashboard.Viewer, everywhere, 0),
		get("events?where=error:x", dashboard.Reader, everywhere, 0),
		get("workers", dashboard.Viewer, everywhere, 0),
		get("limits", dashboard.Viewer, everywhere, 0),
		get("flows", dashboard.Viewer, "all", 403),
		get("flows?stuck=1", dashboard.Viewer, "all", 403),
		get("flow?id=order", dashboard.Viewer, "all", 403),
		get("flow?id=order&step=fetch", dashboard.Reader, "all", 403),
		get("schedules", dashboard.Viewer, everywhere, 0),
		get("schedule?id=nightly", dashboard.Viewer, "all mail", 404),
		get("edit-limit", dashboard.Admin, everywhere, 0),
		get("edit-limit?limit=smtp", dashboard.Admin, "all mail", 404),
		post("edit-limit", "limit=smtp&edits=1&queue=mail&concurrency=1000&share=1&least=1000", dashboard.Admin, "all mail", 403),
		post("edit-limit", "limit=JOB&queue=mail&concurrency=1000", dashboard.Admin, "all mail", 403),
		post("edit-limit", "limit=all-JOB&kind=welcome&concurrency=1000", dashboard.Admin, "all", 403),
		get("edit-schedule", dashboard.Admin, everywhere, 0),
		get("edit-schedule?id=added", dashboard.Admin, "all mail", 404),
		post("edit-schedule", "id=JOB&every=1h&kind=welcome&queue=mail", dashboard.Admin, "all mail", 403),
		post("edit-schedule", "id=added&edits=1&every=2h&kind=welcome&queue=mail&catch_up=last&overlap=allow", dashboard.Admin, "all mail", 404),
		get("redis", dashboard.Reader, "all", 403),
		get("audit", dashboard.Admin, "all", 403),
		get("audit?refused=1", dashboard.Admin, "all", 403),
		get("find?id=JOB", dashboard.Viewer, "all mail", 404),
		get("find?id=orders", dashboard.Viewer, "all", 404),
		get("find?id=order", dashboard.Viewer, "all", 404),
		get("confirm?action=signal-flow&flow=order&step=approved", dashboard.Operator, "all", 404),
		get("confirm?action=pause-queue&queue=mail", dashboard.Operator, "all mail", 404),
		get("confirm?action=delete-queue&queue=mail", dashboard.Admin, "all mail", 404),
		get("confirm?action=retry-all&queue=mail", dashboard.Admin, "all mail", 403),
		get("confirm?action=retry-all&where=kind:refund+queue:orders", dashboard.Admin, "all refund", 403),
		get("confirm?action=retry-all&kind=refund", dashboard.Admin, "all", 403),
		post("confirm", "action=retry-job&job=mail/JOB", dashboard.Operator, "all mail", 404),
		post("confirm", "action=delete-job&job=orders/refund-JOB", dashboard.Admin, "all refund", 404),
		post("reveal", "queue=mail&id=JOB", dashboard.Admin, "all mail", 404),
		post("reveal", "queue=orders&id=refund-JOB&file=1", dashboard.Admin, "all refund", 404),
	}
	do := func(form string, least dashboard.Role, within string, outside int) {
		all = append(all, post("do", "action="+form, least, within, outside))
	}
	do("pause-queue&queue=mail", dashboard.Operator, "all mail", 404)
	do("resume-queue&queue=mail", dashboard.Operator, "all mail", 404)
	do("pause-queue&queue=orders", dashboard.Operator, "all", 404)
	do("retry-job&job=mail/JOB", dashboard.Operator, "all mail", 404)
	do("retry-job&job=orders/refund-JOB", dashboard.Operator, "all refund", 404)
	do("cancel-job&job=orders/other-JOB", dashboard.Operator, "all", 404)
	do("clone-job&job=mail/JOB", dashboard.Operator, "all mail", 404)
	do("clone-job&job=orders/refund-JOB", dashboard.Operator, "all refund", 404)
	do("cancel-job&job=mail/JOB", dashboard.Operator, "all mail", 404)
	do("delete-job&job=mail/JOB", dashboard.Admin, "all mail", 404)
	do("delete-queue&queue=mail&typed=mail", dashboard.Admin, "all mail", 404)
	do("retry-all&queue=mail&where=id:none&reason=x", dashboard.Admin, "all mail", 403)
	do("cancel-all&queue=orders&kind=refund&where=id:none&reason=x", dashboard.Admin, "all refund", 403)
	do("delete-all&where=id:none&reason=x", dashboard.Admin, "all", 403)
	do("stop-action&id="+action, dashboard.Admin, "all mail", 404)
	do("remove-limit&limit=JOB", dashboard.Admin, "all mail", 404)
	do("close-breaker&limit=smtp", dashboard.Operator, "all mail", 404)
	do("signal-flow&flow=order&step=approved&value=1", dashboard.Operator, "all", 404)
	for _, name := range []string{"retry-flow", "retry-failed-flow", "run-flow-again", "cancel-flow"} {
		do(name+"&flow=order", dashboard.Operator, "all", 404)
	}
	do("backfill-schedule&schedule=nightly&since=2026-01-01T00:00:00Z&until=2026-01-02T12:00:00Z", dashboard.Operator, "all mail", 404)
	do("remove-schedule&schedule=JOB", dashboard.Admin, "all mail", 404)
	for _, name := range []string{"pause", "resume", "trigger"} {
		do(name+"-schedule&schedule=nightly", dashboard.Operator, "all mail", 404)
	}
	return all
}

// TestRouteByRoleByScope asks for every route and every action as every role with every scope.
func TestRouteByRoleByScope(t *testing.T) {
	r := setup(t, func(c *dashboard.Config) { c.Authenticate = byName })
	r.schedule(scheduler.Schedule{ID: "nightly", Cron: "0 3 * * *", Args: drayhorse.Raw("welcome", json.RawMessage(`{}`)), Options: []drayhorse.Option{drayhorse.Queue("mail")}})
	r.enqueue("welcome", `{}`, drayhorse.Queue("mail"), drayhorse.In(time.Hour))
	begun, err := r.admin.RetryAll(t.Context(), admin.Filter{Queue: "mail", Where: "id:none"}, "test")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.admin.SetLimit(t.Context(), drayhorse.Limit{Name: "smtp", Queue: "mail", Concurrency: 1000, Breaker: drayhorse.Breaker{Rate: 1, Min: 1000, Window: time.Minute, CoolDown: time.Minute}}, ""); err != nil {
		t.Fatal(err)
	}
	if err := r.admin.AddSchedule(t.Context(), admin.Declaration{ID: "added", Every: time.Hour, Kind: "welcome", Queue: "mail"}, false); err != nil {
		t.Fatal(err)
	}
	r.submit("order")
	all := samples(begun.ID)
	sampled := map[string]bool{}
	for _, s := range all {
		path, _, _ := strings.Cut(s.path, "?")
		sampled[s.method+" /"+path] = true
	}
	for _, route := range dashboard.Routes(r.handler) {
		if !sampled[route.Method+" "+route.Path] && !strings.HasPrefix(route.Path, "/static/") {
			t.Errorf("the matrix has no %s %s", route.Method, route.Path)
		}
	}
	for _, name := range dashboard.ActionNames() {
		if !slices.ContainsFunc(all, func(s sample) bool { return s.path == "do" && strings.HasPrefix(s.body, "action="+name+"&") }) {
			t.Errorf("the matrix has no action %s", name)
		}
	}
	for name := range scopes {
		for i, role := range roles {
			user := fmt.Sprintf("%s-%s", role, name)
			r.enqueue("welcome", `{}`, drayhorse.Queue("mail"), drayhorse.ID(user), drayhorse.In(time.Hour))
			for _, kind := range []string{"refund", "other"} {
				r.enqueue(kind, `{}`, drayhorse.Queue("orders"), drayhorse.ID(kind+"-"+user), drayhorse.In(time.Hour))
			}
			for _, s := range all {
				want := 0 // it is done, or could not be for a reason of its own
				switch {
				case i < slices.Index(roles, s.least):
					want = http.StatusForbidden
				case s.within != "" && !slices.Contains(strings.Fields(s.within), name):
					want = s.outside
				}
				a := r.do(s.method, strings.ReplaceAll(s.path, "JOB", user), strings.ReplaceAll(s.body, "JOB", user), as(user))
				let := slices.Contains([]int{200, 303, 409}, a.code)
				if want == 0 && !let || want != 0 && a.code != want {
					t.Errorf("%s %s %s as %s: %d; want %d: %.300s", s.method, s.path, s.body, user, a.code, want, strings.TrimSpace(a.body[max(0, strings.Index(a.body, "<main")):]))
				}
			}
		}
	}
	for _, s := range all {
		for user, code := range map[string]int{"": 403, "root-all": 403} {
			if a := r.do(s.method, s.path, s.body, as(user)); a.code != code || strings.Contains(a.body, "<b>said</b>") {
				t.Errorf("%s %s as %q: %d", s.method, s.path, user, a.code)
			}
		}
	}
}

// TestRolesSeeWhatIsTheirs of one job: viewers nothing of what it is about, readers what may
// not be secret, admins all, if they say so.
func TestRolesSeeWhatIsTheirs(t *testing.T) {
	r := setup(t, func(c *dashboard.Config) { c.Authenticate = byName; c.Mask = []string{"pet"} })
	const args = `{"number":18446744073709551615,"api_token":"hunter2","pet":{"name":"rex"},"note":"ordinary"}`
	r.enqueue("k", args, drayhorse.Queue("q"), drayhorse.ID("a"), drayhorse.MaxAttempts(1))
	r.enqueue("k", args, drayhorse.Queue("q"), drayhorse.ID("b"), drayhorse.In(time.Hour))
	r.schedule(scheduler.Schedule{ID: "s", Cron: "0 3 * * *", Args: drayhorse.Raw("k", json.RawMessage(args)), Options: []drayhorse.Option{drayhorse.Queue("q")}})
	r.enqueue("k", args, drayhorse.Queue("q"), drayhorse.ID("c"), drayhorse.MaxAttempts(2))
	r.fail("q", "out of hay")
	r.state("q", "c", drayhorse.Retryable)
	r.state("q", "a", drayhorse.Discarded)
	page := func(user, path string) string {
		t.Helper()
		a := r.do(http.MethodGet, path, "", as(user))
		if a.code != http.StatusOK {
			t.Fatalf("%s as %s: %d %s", path, user, a.code, a.body)
		}
		return a.body
	}
	has := func(what, body string, wants ...string) {
		t.Helper()
		for _, text := range wants {
			text, not := strings.CutPrefix(text, "!")
			if strings.Contains(body, text) == not {
				t.Errorf("%s: %q is in it: %v", what, text, !not)
			}
		}
	}
	for _, path := range []string{"job?queue=q&id=a", "job?queue=q&id=c", "jobs?queue=q", "queue?queue=q", "", "schedule?id=s", "jobs?where=id:a"} {
		has("a viewer's "+path, page("viewer-all", path), "!18446744073709551615", "!hunter2", "!rex", "!ordinary", "!out of hay", "!reveal", "!job.json")
	}
	has("a viewer's job", page("viewer-all", "job?queue=q&id=a"), "Your role does not show arguments", "discarded", "!confirm?")
	for _, user := range []string{"reader-all", "operator-all"} {
		has(user, page(user, "job?queue=q&id=a"), "18446744073709551615", "ordinary", "***", "out of hay", "are masked", "!hunter2", "!rex", `!action="reveal"`)
		has(user+"'s file", page(user, "job.json?queue=q&id=a"), "18446744073709551615", "ordinary", "***", "!hunter2", "!rex")
	}
	has("an admin", page("admin-all", "job?queue=q&id=a"), "!hunter2", `action="reveal"`)
	has("a schedule", page("admin-all", "schedule?id=s"), "ordinary", "***", "!hunter2")
	a := r.do(http.MethodPost, "reveal", "queue=q&id=a", as("admin-all"))
	has("what is revealed", a.body, "hunter2", "rex", "18446744073709551615", "Mask them again", `!class="live"`)
	a = r.do(http.MethodPost, "reveal", "queue=q&id=a&file=1", as("admin-all"))
	has("its file", a.body, "hunter2", "18446744073709551615")
	has("the audit", page("admin-all", "audit"), "reveal", "admin-all", "!hunter2")
	if a := r.do(http.MethodGet, "jobs?where="+`error:%22out+of%22`, "", as("viewer-all")); a.code != http.StatusForbidden {
		t.Errorf("a viewer looks for errors: %d", a.code)
	}
}

// TestFiltersAreCompleted with what the user sees.
func TestFiltersAreCompleted(t *testing.T) {
	r := setup(t, func(c *dashboard.Config) { c.Authenticate = byName })
	r.enqueue("welcome", `{}`, drayhorse.Queue("mail"))
	r.enqueue("refund", `{}`, drayhorse.Queue("orders"))
	r.work("mail", func(context.Context, *drayhorse.Job[json.RawMessage]) error { return nil })
	offers := func(user, where, want string) {
		t.Helper()
		redistest.Eventually(t, within, user+" is offered "+want+" for "+where, func() bool {
			a := r.do(http.MethodGet, "complete?where="+url.QueryEscape(where), "", as(user))
			if a.code != http.StatusOK || a.header.Get("Content-Type") != "application/json" {
				t.Fatalf("%s: %d %s", where, a.code, a.body)
			}
			return a.body == want
		})
	}
	offers("viewer-all", "state:d que", `["state:d queue:"]`)
	offers("viewer-all", "queue:", `["queue:mail","queue:orders"]`)
	offers("viewer-all", "kind:", `["kind:k"]`)
	offers("viewer-mail", "queue:", `["queue:mail"]`)
	offers("viewer-refund", "queue:", `["queue:orders"]`)
	offers("viewer-refund", "kind:", `["kind:refund"]`)
	offers("viewer-none", "queue:", `[]`)
	if a := r.get("complete?what=x"); a.code != http.StatusForbidden && a.code != http.StatusUnauthorized {
		t.Errorf("nobody is offered something: %d", a.code)
	}
}

// TestOutOfScopeIsNotThere in any page, count or suggestion.
func TestOutOfScopeIsNotThere(t *testing.T) {
	r := setup(t, func(c *dashboard.Config) { c.Authenticate = byName })
	r.enqueue("welcome", `{}`, drayhorse.Queue("mail"), drayhorse.ID("mine"), drayhorse.In(time.Hour))
	r.enqueue("refund", `{}`, drayhorse.Queue("orders"), drayhorse.ID("partly"), drayhorse.In(time.Hour))
	r.enqueue("covert", `{}`, drayhorse.Queue("orders"), drayhorse.ID("theirs"), drayhorse.In(time.Hour))
	r.enqueue("covert", `{}`, drayhorse.Queue("vault"), drayhorse.ID("theirs2"), drayhorse.In(time.Hour))
	r.schedule(scheduler.Schedule{ID: "heist", Cron: "0 3 * * *", Args: drayhorse.Raw("covert", json.RawMessage(`{}`)), Options: []drayhorse.Option{drayhorse.Queue("vault")}})
	for _, l := range []drayhorse.Limit{{Name: "heist-a-day", Queue: "vault", Concurrency: 1}, {Name: "heist-at-once", Kind: "covert", Concurrency: 1}} {
		if err := r.admin.SetLimit(t.Context(), l, ""); err != nil {
			t.Fatal(err)
		}
	}
	r.submit("heist-42")
	r.fail("vault", "x")
	for _, c := range []struct{ user, has, not string }{
		{"admin-mail", "mine", "partly theirs theirs2 vault orders covert refund heist"},
		{"admin-refund", "partly", "mine theirs theirs2 vault covert welcome heist"},
	} {
		for _, path := range []string{"", "queues", "queues?find=va", "jobs", "jobs?state=scheduled", "workers", "limits", "schedules", "actions", "complete?where=queue:", "complete?where=kind:", "complete?where=worker:"} {
			a := r.do(http.MethodGet, path, "", as(c.user))
			if a.code != http.StatusOK {
				t.Errorf("%s as %s: %d", path, c.user, a.code)
			}
			for word := range strings.FieldsSeq(c.not) {
				if path != "queues?find=va" && strings.Contains(a.body, word) {
					t.Errorf("%s as %s has %q", path, c.user, word)
				}
			}
			if strings.HasPrefix(path, "jobs") {
				r.wants(path, a.body, c.has)
			}
			if strings.Contains(a.body, ">4 jobs") || strings.Contains(a.body, "vault<") {
				t.Errorf("%s as %s counts or names others", path, c.user)
			}
		}
	}
}
