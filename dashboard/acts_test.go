package dashboard_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/dashboard"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// ann may do everything.
var ann = dashboard.User{Name: "ann", Role: dashboard.Admin, Scope: []string{"*"}}

// TestAllThatMatchAreSteered from the page of jobs: a question with the number, a reason, and
// an action with a page of its own.
func TestAllThatMatchAreSteered(t *testing.T) {
	r := setup(t, func(c *dashboard.Config) {
		c.Authenticate = func(*http.Request) (dashboard.User, error) { return ann, nil }
	})
	for _, id := range []string{"a-1", "a-2", "b-1"} {
		r.enqueue("k", `{}`, drayhorse.ID(id), drayhorse.In(time.Hour), drayhorse.Queue("q"))
	}
	r.wants("jobs", r.page("jobs?state=scheduled&where=id%3Aa-"), `href="confirm?action=retry-all&amp;state=scheduled&amp;where=id%3Aa-"`, "action=cancel-all", "action=delete-all")
	if body := r.page("jobs?queue=q&state=available"); strings.Contains(body, "-all") {
		t.Errorf("an empty list offers it:\n%s", body)
	}
	form := []string{"action", "cancel-all", "state", "scheduled", "where", "id:a-"}
	r.wants("the question", r.post("confirm", form...).body, "Cancel 2 jobs?", "state:scheduled id:a-", `name="reason"`)
	if a := r.post("do", append(form, "reason", " ")...); a.code != http.StatusBadRequest {
		t.Errorf("without a reason: %d %s", a.code, a.body)
	}
	r.state("q", "a-1", drayhorse.Scheduled)
	a := r.post("do", append(form, "reason", "they are <old>")...)
	r.done(a, "action?id=", "The action has begun.")
	location, _ := url.Parse(a.header.Get("Location"))
	var got *admin.Action
	redistest.Eventually(t, within, "it is done", func() (ended bool) {
		var err error
		got, err = r.admin.Action(t.Context(), location.Query().Get("id"))
		return err == nil && got.Ended()
	})
	if got.Changed != 2 || got.Actor != "ann" || got.Reason != "they are <old>" || got.State != admin.ActionDone {
		t.Errorf("action %+v", got)
	}
	r.state("q", "a-2", drayhorse.Cancelled)
	r.state("q", "b-1", drayhorse.Scheduled)
	r.wants("the action", r.page("action?id="+got.ID), "they are &lt;old&gt;", "ann", "3 of 3")
	r.wants("actions", r.page("actions"), got.ID, "state:scheduled id:a-", "they are &lt;old&gt;")

	open, err := r.admin.StartAction(t.Context(), admin.Order{Verb: admin.VerbRetry})
	if err != nil {
		t.Fatal(err)
	}
	r.wants("an open one", r.page("action?id="+open.ID), "stop-action", "running 0 %")
	r.done(r.post("do", "action", "stop-action", "id", open.ID), "action?id=", "The action was told to stop.")
	r.wants("a stopped one", r.page("action?id="+open.ID), "stopped")
	for path, code := range map[string]int{"action?id=none": 404, "confirm?action=stop-action": 400, "confirm?action=retry-all&state=running": 400, "confirm?action=retry-all&where=x:1": 400} {
		if a := r.get(path); a.code != code {
			t.Errorf("%s: %d; want %d", path, a.code, code)
		}
	}
}
