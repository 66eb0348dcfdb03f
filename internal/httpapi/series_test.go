package httpapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
)

// TestSeries is of the jobs that a token may read, and of no others.
func TestSeries(t *testing.T) {
	t.Parallel()
	_, change := tokens(t, "tokens:\n"+entry("ann", "ann", `read: ["*"]`)+entry("bob", "bob", `read: [mail/welcome]`)+entry("eve", "eve", `enqueue: ["*"]`))
	d := setup(t, change)
	for _, kind := range []string{"welcome", "welcome", "bill"} {
		info, err := d.jobs.EnqueueRaw(t.Context(), kind, json.RawMessage(`{}`), drayhorse.Queue("mail"))
		if err != nil {
			t.Fatal(err)
		}
		if err := d.jobs.Cancel(t.Context(), info.ID); err != nil {
			t.Fatal(err)
		}
	}
	get := func(token, query string, code int, says string) *admin.Series {
		t.Helper()
		d.token = token
		a := d.do(http.MethodGet, "/v1/series?"+query, "")
		if a.code != code || !strings.Contains(a.body, says) {
			t.Errorf("%s as %s: %d %s; want %d and %s", query, token, a.code, a.body, code, says)
		}
		var s struct{ Total admin.Point }
		if err := json.Unmarshal([]byte(a.body), &s); err != nil {
			t.Fatal(err)
		}
		return &admin.Series{Total: s.Total}
	}
	for query, want := range map[string]int64{
		"": 3, "queue=mail&kind=bill&step=30m": 1, "kind=welcome&from=2020-01-01T00:00:00Z": 2, "to=" + "2999-01-01T00:00:00Z&from=2998-12-31T00:00:00Z": 0,
	} {
		if got := get("ann", query, http.StatusOK, `"points":[`); got.Total.Cancelled != want {
			t.Errorf("%s: %d cancelled, want %d", query, got.Total.Cancelled, want)
		}
	}
	if got := get("bob", "", http.StatusOK, `"kind":"welcome"`); got.Total.Cancelled != 2 {
		t.Errorf("bob sees %d of all", got.Total.Cancelled)
	}
	get("bob", "queue=other", http.StatusForbidden, "may not read jobs of queue")
	get("eve", "", http.StatusForbidden, "may not read jobs")
	get("ann", "queue=none", http.StatusNotFound, "there is no queue")
	get("ann", "from=yesterday", http.StatusUnprocessableEntity, `\"yesterday\"; want a time`)
	get("ann", "step=soon", http.StatusUnprocessableEntity, `\"soon\"; want a duration`)
	get("ann", "step=7m", http.StatusUnprocessableEntity, "step 7m0s")
	get("ann", "queue=a%20b", http.StatusUnprocessableEntity, "a b")
}
