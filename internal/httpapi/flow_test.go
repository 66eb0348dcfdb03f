package httpapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/redistest"
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

// TestSubmit: a flow is made by whoever may enqueue all its jobs, once however often it is asked for, and read, signalled and
// cancelled by those who may do so with all jobs.
func TestSubmit(t *testing.T) {
	t.Parallel()
	_, change := tokens(t, "tokens:\n"+
		entry("ann", "ann", `enqueue: ["*"], read: ["*"], cancel: ["*"], signal: ["*"]`)+
		entry("bob", "bob", `enqueue: [q], read: [q], cancel: [q], signal: [q], max_delay: 1h, max_retain: 1h, max_attempts: 3`))
	d := setup(t, change)
	call := func(token, method, path, body string, code int, says string, headers ...string) {
		t.Helper()
		d.token = token
		if a := d.do(method, "/v1/flows"+path, body, headers...); a.code != code || !strings.Contains(a.body, says) {
			t.Errorf("%s %s %s as %s: %d %s; want %d and %s", method, path, body, token, a.code, a.body, code, says)
		}
	}
	order := `{"id":"order-42","steps":[
		{"name":"approved","signal":"48h"},
		{"name":"ship","kind":"ship","queue":"q","args":{"id":42},"after":["approved"],"tags":["eu"]},
		{"name":"tell","kind":"tell","after_end":["ship"]}]}`
	const post = http.MethodPost
	call("ann", post, "", order, http.StatusCreated, `"state":"running"`)
	call("ann", post, "", order, http.StatusOK, `"duplicate":true`)
	call("ann", post, "", strings.Replace(order, "42}", "43}", 1), http.StatusConflict, `another flow`)
	call("ann", post, "", strings.Replace(order, "42}", "43}", 1), http.StatusConflict, `"field":"id"`)
	call("ann", http.MethodGet, "/order-42", "", http.StatusOK, `"waits_for":["approved"]`)
	call("bob", http.MethodGet, "/order-42", "", http.StatusForbidden, "may not read flows")
	call("bob", post, "/order-42/signals/approved", "1", http.StatusForbidden, "may not signal flows")
	call("bob", http.MethodDelete, "/order-42", "", http.StatusForbidden, "may not cancel flows")
	call("ann", post, "/order-42/signals/other", "1", http.StatusNotFound, "waits for a signal")
	call("ann", post, "/order-42/signals/approved", `{"by":"ann"}`, http.StatusAccepted, "", "Idempotency-Key: k1")
	call("ann", post, "/order-42/signals/approved", `{"by":"ann"}`, http.StatusAccepted, "", "Idempotency-Key: k1")
	call("ann", post, "/order-42/signals/approved", `{"by":"bob"}`, http.StatusConflict, "another key", "Idempotency-Key: k2")
	if job, err := d.jobs.Flow(t.Context(), "order-42"); err != nil || job.Steps[0].Sender != "ann" || job.Steps[1].State != flow.StepRunning {
		t.Errorf("%+v, %v; want the signal of ann, and ship at work", job, err)
	}
	call("ann", http.MethodGet, "/order-42/steps/approved/result", "", http.StatusOK, `{"by":"ann"}`)
	call("ann", http.MethodGet, "/order-42/steps/ship/result", "", http.StatusNotFound, "no result of step ship: it is running")
	call("ann", http.MethodGet, "/order-42/steps/other/result", "", http.StatusNotFound, `has no step`)
	call("ann", http.MethodGet, "/order-42/steps/a%20b/result", "", http.StatusUnprocessableEntity, `"field":"name"`)
	call("ann", http.MethodGet, "/order-43/steps/ship/result", "", http.StatusNotFound, "there is no flow")
	call("bob", http.MethodGet, "/order-42/steps/approved/result", "", http.StatusForbidden, "may not read flows")
	call("ann", http.MethodDelete, "/order-42", "", http.StatusAccepted, "")
	call("ann", http.MethodGet, "/order-42", "", http.StatusOK, `"state":"cancelled"`)
	call("ann", http.MethodDelete, "/order-43", "", http.StatusNotFound, "there is no flow")
	call("ann", http.MethodPut, "", "", http.StatusMethodNotAllowed, "want POST")

	one := func(step string) string { return `{"steps":[{"name":"a","signal":"1h"},` + step + `]}` }
	call("bob", post, "", one(`{"name":"b","kind":"k","queue":"q"}`), http.StatusCreated, `{"id":"mine","state":"running"}`, "Idempotency-Key: mine")
	call("bob", post, "", one(`{"name":"b","kind":"k","queue":"q"}`), http.StatusOK, `"duplicate":true`, `Idempotency-Key: "mine"`)
	call("bob", post, "", one(`{"name":"b","kind":"k"}`), http.StatusForbidden, `"field":"steps[1].queue"`)
	call("bob", post, "", one(`{"name":"b","kind":"k","queue":"q","max_attempts":4}`), http.StatusForbidden, `"field":"steps[1].max_attempts"`)
	call("bob", post, "", one(`{"name":"b","kind":"k","queue":"q","delay":"2h"}`), http.StatusForbidden, `"field":"steps[1].delay"`)
	call("bob", post, "", `{"retain":"2h","steps":[{"name":"a","signal":"1h"}]}`, http.StatusForbidden, `"field":"retain"`)
	call("bob", post, "", `{"steps":[{"name":"a","signal":"2h"}]}`, http.StatusForbidden, `"field":"steps[0].signal"`)
	call("ann", post, "", one(`{"name":"b","kind":"k","after":["c"]}`), http.StatusUnprocessableEntity, `"field":"steps[1].after"`)
	call("ann", post, "", one(`{"name":"b","kind":"k","after":["b"]}`), http.StatusUnprocessableEntity, `in a circle: b after b`)
	call("ann", post, "", one(`{"name":"b"}`), http.StatusUnprocessableEntity, `field kind is missing`)
	if info, err := d.jobs.Flow(t.Context(), "mine"); err != nil || info.Total != 2 {
		t.Errorf("%+v, %v", info, err)
	}
}

// TestSubmitMany: the largest flow that goes over HTTP, in one request.
func TestSubmitMany(t *testing.T) {
	t.Parallel()
	d := setup(t)
	var steps []string
	for i := range flow.MaxSteps {
		steps = append(steps, fmt.Sprintf(`{"name":"s%d","kind":"k","queue":"q%d"}`, i, i%3))
	}
	a := d.do(http.MethodPost, "/v1/flows", `{"id":"large","steps":[`+strings.Join(steps, ",")+`]}`)
	if a.code != http.StatusCreated && a.code != http.StatusServiceUnavailable { // a busy machine needs longer than a request may take, and it is asked again
		t.Fatalf("%d %s", a.code, a.body)
	}
	redistest.Eventually(t, 20*time.Second, "all steps are stored", func() bool {
		a := d.do(http.MethodPost, "/v1/flows", `{"id":"large","steps":[`+strings.Join(steps, ",")+`]}`)
		return a.code == http.StatusOK && strings.Contains(a.body, `"total":10000`)
	})
}

// TestBatches: a batch is made by whoever may enqueue all its jobs, each once however often and in how many pieces it is
// asked for; it takes more while it is open, and its callback comes once.
func TestBatches(t *testing.T) {
	t.Parallel()
	_, change := tokens(t, "tokens:\n"+
		entry("ann", "ann", `enqueue: ["*"], read: ["*"], cancel: ["*"]`)+
		entry("bob", "bob", `enqueue: [q], read: [q], max_delay: 1h, max_retain: 1h, max_attempts: 3`))
	d := setup(t, change)
	call := func(token, path, body string, code int, says string, headers ...string) {
		t.Helper()
		d.token = token
		if a := d.do(http.MethodPost, "/v1/flows"+path, body, headers...); a.code != code || !strings.Contains(a.body, says) {
			t.Errorf("%s %s as %s: %d %s; want %d and %s", path, body, token, a.code, a.body, code, says)
		}
	}
	total := func(id string, state flow.State, want int) {
		t.Helper()
		redistest.Eventually(t, 20*time.Second, fmt.Sprintf("%s is %s, of %d", id, state, want), func() bool {
			info, err := d.jobs.Flow(t.Context(), id)
			return err == nil && info.State == state && info.Total == want
		})
	}
	made := `{"id":"import-42","on_complete":{"kind":"report","queue":"q","id":"report-42"},"members":[{"kind":"row","queue":"q"},{"kind":"row","queue":"r","args":{"n":2}}]}`
	call("ann", "", made, http.StatusCreated, `"state":"running"`)
	call("ann", "", made, http.StatusOK, `"duplicate":true`)
	total("import-42", flow.Running, 2)
	if job, err := d.jobs.Get(t.Context(), "import-42:2", drayhorse.Queue("r")); err != nil || string(job.Args) != `{"n":2}` {
		t.Errorf("%+v, %v; want the second member under the batch's ID and its number", job, err)
	}
	call("ann", "/import-42/members", `{"members":[{"kind":"row","queue":"q"}]}`, http.StatusConflict, `takes no more members`)
	call("bob", "", made, http.StatusForbidden, `"field":"members[1].queue"`)
	call("bob", "", `{"on_complete":{"kind":"k"},"members":[]}`, http.StatusForbidden, `"field":"on_complete.queue"`)
	call("bob", "", `{"members":[{"kind":"k","queue":"q","max_attempts":4}]}`, http.StatusForbidden, `"field":"members[0].max_attempts"`)
	call("bob", "", `{"members":[{"kind":"k","queue":"q"}],"deadline":"2h"}`, http.StatusForbidden, `"field":"deadline"`)
	call("ann", "", `{"members":[{"kind":"k"},{"kind":""}]}`, http.StatusUnprocessableEntity, `"field":"members[1].kind"`)

	// One whose maker was cut off when the first of two members was stored.
	b, err := d.jobs.NewBatch(t.Context(), flow.Batch{ID: "half"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Add(t.Context(), drayhorse.Spec{Args: drayhorse.Raw("row", nil), Options: []drayhorse.Option{drayhorse.ID("half:1"), drayhorse.Queue("q")}}); err != nil {
		t.Fatal(err)
	}
	call("ann", "", `{"id":"half","members":[{"kind":"row","queue":"q"},{"kind":"row","queue":"q"}]}`, http.StatusOK, `"duplicate":true`)
	total("half", flow.Running, 2)

	call("bob", "", `{"id":"large","open":true,"members":[{"kind":"row","queue":"q"}]}`, http.StatusCreated, `{"id":"large","state":"open"}`)
	for range 2 {
		call("bob", "/large/members", `{"members":[{"kind":"row","queue":"q"},{"kind":"row","queue":"q","id":"mine"}]}`, http.StatusOK, `{"id":"large","state":"open"}`, "Idempotency-Key: p2")
	}
	call("bob", "/large/members", `{"members":[{"kind":"row"}]}`, http.StatusForbidden, `"field":"members[0].queue"`)
	call("bob", "/nothing/members", `{"members":[{"kind":"row","queue":"q"}]}`, http.StatusNotFound, `there is no flow`)
	call("bob", "/large/members", `{"members":[{"kind":"row","queue":"q"}],"clos":true}`, http.StatusUnprocessableEntity, `want members, close`)
	call("bob", "/large/members", `{"close":true}`, http.StatusOK, `{"id":"large","state":"running"}`)
	call("bob", "/large/members", `{"members":[{"kind":"row","queue":"q"}]}`, http.StatusConflict, `#closed`)
	total("large", flow.Running, 3)

	call("ann", "", `{"id":"steps","steps":[{"name":"a","signal":"1h"}]}`, http.StatusCreated, "")
	call("ann", "", `{"id":"steps","members":[{"kind":"row"}]}`, http.StatusConflict, `which is no batch`)
	call("ann", "/steps/members", `{"members":[{"kind":"row"}]}`, http.StatusUnprocessableEntity, `is a flow of steps`)
	call("ann", "", `{"id":"empty","on_complete":{"kind":"report","queue":"q","id":"report-0"},"members":[]}`, http.StatusCreated, "")
	total("empty", flow.Completed, 0)
	redistest.Eventually(t, 20*time.Second, "an empty batch calls back", func() bool {
		_, err := d.jobs.Get(t.Context(), "report-0", drayhorse.Queue("q"))
		return err == nil
	})
}
