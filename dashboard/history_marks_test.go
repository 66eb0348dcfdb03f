package dashboard_test

import (
	"strings"
	"testing"
	"time"
)

// TestMarksAreInTheCharts, at their place, and in words below.
func TestMarksAreInTheCharts(t *testing.T) {
	r := setup(t, nil)
	if strings.Contains(r.page(""), `class="mark"`) {
		t.Error("there is a mark before there is one")
	}
	if _, err := r.admin.AddMark(t.Context(), `deploy <b>1.4.2</b>`); err != nil {
		t.Fatal(err)
	}
	for _, page := range []string{"", "?range=24h"} {
		body := r.page(page)
		r.wants(page, body, "deploy &lt;b&gt;1.4.2&lt;/b&gt;")
		if n := strings.Count(body, `class="mark"`); n != 3 {
			t.Errorf("%q has %d marks, want one in each of three charts", page, n)
		}
	}
	if all, err := r.admin.Marks(t.Context(), time.Now().Add(-time.Hour), time.Time{}); err != nil || len(all) != 1 {
		t.Errorf("%+v, %v", all, err)
	}
}
