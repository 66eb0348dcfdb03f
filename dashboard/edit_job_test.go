package dashboard_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/dashboard"
)

// TestArgumentsOfAJobAreEdited while it waits; masked ones are not shown.
func TestArgumentsOfAJobAreEdited(t *testing.T) {
	r := setup(t, func(c *dashboard.Config) { c.Authenticate = byName })
	r.enqueue("k", `{"to":"anne"}`, drayhorse.Queue("mail"), drayhorse.ID("a"), drayhorse.In(time.Hour))
	r.enqueue("k", `{"api_token":"hunter2"}`, drayhorse.Queue("mail"), drayhorse.ID("s"))
	admins := as("admin-mail")
	see := func(path, want string) string {
		t.Helper()
		a := r.do(http.MethodGet, path, "", admins)
		if a.code != http.StatusOK || !strings.Contains(a.body, want) {
			t.Errorf("%s: %d, want %s\n%s", path, a.code, want, a.body)
		}
		return a.body
	}
	see("job?queue=mail&id=a", `href="edit-job?id=a&amp;queue=mail"`)
	see("edit-job?queue=mail&id=a", "anne")
	if body := see("edit-job?queue=mail&id=s", "Not shown"); strings.Contains(body, "hunter2") {
		t.Error("a secret is shown")
	}
	for args, want := range map[string]string{"": "no arguments are given", `{"to":`: "are not JSON"} {
		if a := r.do(http.MethodPost, "edit-job", "queue=mail&id=a&args="+args, admins); a.code != http.StatusBadRequest || !strings.Contains(a.body, want) {
			t.Errorf("args %q: %d %s", args, a.code, a.body)
		}
	}
	if a := r.do(http.MethodPost, "edit-job", `queue=mail&id=a&args={"to":"ann","n":18446744073709551615}`, admins); a.code != http.StatusSeeOther || !strings.Contains(a.header.Get("Location"), "done=save-job") {
		t.Errorf("%d %s", a.code, a.body)
	}
	info, err := r.admin.Get(t.Context(), "mail", "a")
	if err != nil || string(info.Args) != `{"to":"ann","n":18446744073709551615}` || info.State != drayhorse.Scheduled {
		t.Errorf("%+v, %v", info, err)
	}
	if err := r.admin.Cancel(t.Context(), "mail", "a"); err != nil {
		t.Fatal(err)
	}
	for method, body := range map[string]string{http.MethodGet: "", http.MethodPost: "queue=mail&id=a&args=1"} {
		path := "edit-job"
		if body == "" {
			path += "?queue=mail&id=a"
		}
		if a := r.do(method, path, body, admins); a.code != http.StatusConflict || !strings.Contains(a.body, "is cancelled; only one that waits") {
			t.Errorf("of one that has ended: %d %s", a.code, a.body)
		}
	}
}
