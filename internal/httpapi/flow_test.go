package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
)

// TestFlows are told to tokens that may read all.
func TestFlows(t *testing.T) {
	t.Parallel()
	_, change := tokens(t, "tokens:\n"+entry("ann", "ann", `read: ["*"]`)+entry("bob", "bob", `read: [q]`))
	d := setup(t, change)
	b, err := d.jobs.NewBatch(t.Context(), flow.Batch{ID: "import-42"})
	if err != nil {
		t.Fatal(err)
	}
	get := func(token, id string, code int, says string) {
		t.Helper()
		d.token = token
		if a := d.do(http.MethodGet, "/v1/flows/"+id, ""); a.code != code || !strings.Contains(a.body, says) {
			t.Errorf("%s as %s: %d %s; want %d and %s", id, token, a.code, a.body, code, says)
		}
	}
	get("ann", "import-42", http.StatusOK, `"state":"open"`)
	get("bob", "import-42", http.StatusForbidden, "may not read flows")
	get("ann", "import-43", http.StatusNotFound, "there is no flow")
	get("ann", "a%20b", http.StatusUnprocessableEntity, "id")
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	get("ann", "import-42", http.StatusOK, `"state":"completed"`)

	f := flow.New("order-42")
	f.Step("ship", drayhorse.Raw("ship", nil)).After(f.Signal("approved", time.Hour))
	if _, err := d.jobs.Submit(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	get("ann", "order-42", http.StatusOK, `"waits_for":["approved"]`)
}
