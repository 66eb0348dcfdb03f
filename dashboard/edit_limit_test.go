package dashboard_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/dashboard"
)

// limitNow gives a limit as it is, or nil.
func (r *rig) limitNow(name string) *admin.Limit {
	r.t.Helper()
	all, err := r.admin.Limits(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	if i := slices.IndexFunc(all, func(l admin.Limit) bool { return l.Name == name }); i >= 0 {
		return &all[i]
	}
	return nil
}

// TestLimitsAreSetOnAForm, changed and removed.
func TestLimitsAreSetOnAForm(t *testing.T) {
	r := setup(t, nil)
	r.enqueue("k", `{}`, drayhorse.Queue("mail"))
	r.wants("the form", r.page("edit-limit"), "New limit", `name="limit"`)
	r.done(r.post("edit-limit", "limit", "smtp", "queue", "mail", "kind", "welcome", "concurrency", "5", "rate", "100/1m", "burst", "20",
		"share", "0.5", "probes", "3", "reason", "their quota"), "limits?done=save-limit", "The limit is set")
	want := drayhorse.Limit{
		Name: "smtp", Queue: "mail", Kind: "welcome", Concurrency: 5, Rate: drayhorse.Rate{Jobs: 100, Per: time.Minute, Burst: 20},
		Breaker: drayhorse.Breaker{Rate: 0.5, Window: time.Minute, CoolDown: 30 * time.Second, Probes: 3},
	}
	if l := r.limitNow("smtp"); l == nil || l.Limit != want || l.Why != "their quota" || !l.Operator {
		t.Errorf("limit %+v, want %+v", l, want)
	}
	r.wants("the list", r.page("limits"), "smtp", "their quota", `href="edit-limit?limit=smtp"`)
	r.wants("the form of one that is there", r.page("edit-limit?limit=smtp"), "Edit limit smtp", `value="100/1m"`, `value="0.5"`, `value="30s"`)
	r.done(r.post("edit-limit", "edits", "1", "version", "1", "limit", "smtp", "queue", "mail", "concurrency", "7"), "limits?done=save-limit", "The limit is set")
	if l := r.limitNow("smtp"); l == nil || l.Limit != (drayhorse.Limit{Name: "smtp", Queue: "mail", Concurrency: 7}) || l.Version != 2 {
		t.Errorf("changed: %+v", l)
	}
	if a := r.post("edit-limit", "edits", "1", "version", "1", "limit", "smtp", "queue", "mail", "concurrency", "8"); a.code != http.StatusConflict || !strings.Contains(a.body, "has changed limit smtp meanwhile") {
		t.Errorf("by a form that is old: %d %s", a.code, a.body)
	}
	r.wants("the list at once", r.page("limits"), "of 7")
	r.done(r.post("do", "action", "remove-limit", "limit", "smtp", "reason", "over"), "limits?done=remove-limit", "The limit is removed.")
	if l := r.limitNow("smtp"); l != nil || strings.Contains(r.page("limits"), "of 7") {
		t.Errorf("removed: %+v", l)
	}
}

// TestMistakesOfLimitsAreSaid above the form, which keeps what was written.
func TestMistakesOfLimitsAreSaid(t *testing.T) {
	r := setup(t, func(c *dashboard.Config) { c.Authenticate = byName })
	r.enqueue("k", `{}`, drayhorse.Queue("mail"))
	r.enqueue("k", `{}`, drayhorse.Queue("orders"))
	if err := r.admin.SetLimit(t.Context(), drayhorse.Limit{Name: "theirs", Queue: "orders", Concurrency: 1}, ""); err != nil {
		t.Fatal(err)
	}
	mail := as("admin-mail")
	for form, want := range map[string]string{
		"limit=a+b&queue=mail&concurrency=1":               "name &#34;a b&#34; of a limit",
		"limit=a&queue=mail":                               "it limits nothing",
		"limit=a&queue=mail&concurrency=none":              "how many run at once &#34;none&#34;; want a number",
		"limit=a&queue=mail&rate=often":                    "want jobs per time, as in 100/1m",
		"limit=a&queue=mail&concurrency=1&burst=5":         "Rate of 0 jobs",
		"limit=a&queue=mail&share=2":                       "Breaker.Rate 2; want 0.001 to 1",
		"limit=a&queue=mail&share=half":                    "want a share such as 0.5",
		"limit=a&queue=mail&share=0.5&window=1ms":          "Breaker.Window 1ms; want 1s",
		"limit=a&queue=mail&share=0.5&per_group=1":         "a Breaker of each group",
		"limit=a&queue=mail&share=0.5&cool_down=a+while":   "want a time such as 90s",
		"limit=a&queue=orders&concurrency=1":               "out of your scope",
		"limit=a&kind=k&concurrency=1":                     "out of your scope",
		"limit=theirs&queue=mail&concurrency=1":            "There is a limit theirs already",
		"limit=theirs&edits=1&queue=mail&concurrency=1":    "There is a limit theirs already",
		"limit=a&queue=mail&concurrency=1&unknown=1":       "not known",
		"limit=a&queue=mail&concurrency=1&limit=b":         "comes 2 times",
		"limit=a&queue=mail&concurrency=99999999999999999": "want 1 to 1000000",
	} {
		a := r.do(http.MethodPost, "edit-limit", form, mail)
		if a.code < 400 || a.code >= 500 || !strings.Contains(a.body, want) {
			t.Errorf("%s: %d, want %s\n%s", form, a.code, want, a.body)
		}
	}
	if l := r.limitNow("a"); l != nil {
		t.Errorf("a limit was set: %+v", l)
	}
	if l := r.limitNow("theirs"); l == nil || l.Queue != "orders" || l.Version != 1 {
		t.Errorf("another's limit has changed: %+v", l)
	}
	if a := r.do(http.MethodPost, "edit-limit", "limit=a&queue=none-such&concurrency=1", as("admin-all")); a.code != http.StatusNotFound || !strings.Contains(a.body, `value="none-such"`) {
		t.Errorf("of a queue that is not there: %d %s", a.code, a.body)
	}
	if _, err := r.admin.Queue(t.Context(), "none-such"); !errors.Is(err, drayhorse.ErrNotFound) {
		t.Errorf("a queue was made: %v", err)
	}
}
