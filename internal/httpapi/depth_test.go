package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestAFullQueueIsSaidToBeFull: to a request of its own, and to each line of a batch, whose
// others go in.
func TestAFullQueueIsSaidToBeFull(t *testing.T) {
	t.Parallel()
	d := setup(t)
	if got := d.post(`{"kind":"k","queue":"mail"}`); got.code != http.StatusCreated {
		t.Fatalf("%d %s", got.code, got.body)
	}
	if err := d.queues.SetMaxDepth(t.Context(), "mail", 2); err != nil {
		t.Fatal(err)
	}
	batch := d.batch(`{"kind":"k","queue":"mail"}
{"kind":"k","queue":"mail"}
{"kind":"k"}
`)
	results := batch.results(t)
	if len(results) != 3 || results[0].Status != http.StatusCreated || results[1].Status != http.StatusTooManyRequests || results[2].Status != http.StatusCreated {
		t.Fatalf("%d %s; want the second line refused", batch.code, batch.body)
	}
	got := d.post(`{"kind":"k","queue":"mail"}`)
	for _, p := range []string{got.problem(t).Type, results[1].Problem.Type} {
		if !strings.HasSuffix(p, "#queue-full") {
			t.Errorf("problem %q; want queue-full", p)
		}
	}
	if got.code != http.StatusTooManyRequests || got.header.Get("Retry-After") != "5" || !strings.Contains(got.body, "queue mail is full") {
		t.Errorf("%d, Retry-After %q: %s", got.code, got.header.Get("Retry-After"), got.body)
	}
}
