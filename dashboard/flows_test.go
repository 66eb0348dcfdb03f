package dashboard_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/dashboard"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// submit makes a flow that waits for a signal beside a job that nobody runs.
func (r *rig) submit(id string) {
	r.t.Helper()
	f := flow.New(id)
	fetch := f.Step("fetch", drayhorse.Raw("k", json.RawMessage(`{}`)), drayhorse.Queue("lonely"))
	f.Step("ship", drayhorse.Raw("k", json.RawMessage(`{}`)), drayhorse.Queue("lonely")).After(fetch, f.Signal("approved", time.Hour))
	if _, err := r.jobs.Submit(r.t.Context(), f); err != nil {
		r.t.Fatal(err)
	}
}

// hset changes a field of the one key that a pattern is of.
func (r *rig) hset(pattern, field, value string) error {
	client := r.raw()
	keys, err := client.Keys(r.t.Context(), r.namespace+":"+pattern).Result()
	if err != nil || len(keys) != 1 {
		return fmt.Errorf("%s: keys %q, %w", pattern, keys, err)
	}
	return client.HSet(r.t.Context(), keys[0], field, value).Err()
}

// TestFlowsAreShownAndSteered: from submit to end, by what the pages say and their buttons do.
func TestFlowsAreShownAndSteered(t *testing.T) {
	r := setup(t, func(c *dashboard.Config) { c.Authenticate = byName })
	page := func(path string) string {
		t.Helper()
		a := r.do(http.MethodGet, path, "", as("operator-all"))
		if a.code != http.StatusOK {
			t.Fatalf("%s: %d %s", path, a.code, a.body)
		}
		return a.body
	}
	do := func(form string, code int, says string) {
		t.Helper()
		if a := r.do(http.MethodPost, "do", "action="+form, as("operator-all")); a.code != code || !strings.Contains(a.body+a.header.Get("Location"), says) {
			t.Errorf("%s: %d to %q %.300s; want %d %q", form, a.code, a.header.Get("Location"), a.body[max(0, strings.Index(a.body, "<main")):], code, says)
		}
	}
	r.wants("no flows", page("flows"), "No flows.")
	f := flow.New("order-42")
	fetch := f.Step("fetch", drayhorse.Raw("k", json.RawMessage(`{"n":1}`)), drayhorse.Queue("q"), drayhorse.MaxAttempts(1))
	ok := f.Signal("approved", time.Hour)
	ship := f.Step("ship", drayhorse.Raw("k", json.RawMessage(`{"n":2}`)), drayhorse.Queue("q")).After(fetch, ok)
	f.Step("tell", drayhorse.Raw("k", json.RawMessage(`{"n":3}`)), drayhorse.Queue("q")).AfterEnd(fetch)
	f.Step("bill", drayhorse.Raw("k", json.RawMessage(`{"n":4}`)), drayhorse.Queue("q")).AfterHold(fetch).After(ship)
	if _, err := r.jobs.Submit(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	b, err := r.jobs.NewBatch(t.Context(), flow.Batch{ID: "import-7"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Add(t.Context(), drayhorse.Spec{Args: drayhorse.Raw("k", nil), Options: []drayhorse.Option{drayhorse.Queue("lonely")}}); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}

	r.wants("the flows", page("flows"), `href="flow?id=order-42"`, "running", "<b>0</b> of 5", `href="flow?id=import-7"`, ">batch<")
	r.wants("those that are stuck", page("flows?stuck=1"), "order-42", "no worker runs", "import-7")
	r.wants("the flow", page("flow?id=order-42"), `<title>fetch: running`, `<title>approved: waits for its signal`, "its signal has not come", "waits for fetch, which is running; approved, which is running",
		"fetch (any end)", "ship, fetch (hold)", "action=signal-flow&amp;flow=order-42&amp;step=approved", "action=cancel-flow&amp;flow=order-42", `class="wire w-hold s-running"`, `class="wire w-end s-running"`)
	r.wants("the batch", page("flow?id=import-7"), "Members that have not ended", "lonely", "no worker runs", "Callbacks that were enqueued")
	if a := r.do(http.MethodGet, "find?id=order-42", "", as("viewer-all")); a.header.Get("Location") != "flow?id=order-42" {
		t.Errorf("find leads to %q", a.header.Get("Location"))
	}
	viewed := r.do(http.MethodGet, "flow?id=order-42", "", as("viewer-all")).body
	if strings.Contains(viewed, "no worker") || strings.Contains(viewed, "confirm?") {
		t.Errorf("a viewer sees why, or a button: %s", viewed)
	}

	fails := make(chan bool, 1)
	fails <- true
	r.work("q", func(_ context.Context, job *drayhorse.Job[json.RawMessage]) error {
		if strings.Contains(string(job.Args), "1}") {
			select {
			case <-fails:
				return errors.New("the harness broke")
			default:
			}
		}
		return nil
	})
	redistest.Eventually(t, within, "fetch has failed, and ship was cancelled for it", func() bool {
		body := page("flow?id=order-42")
		return strings.Contains(body, "<title>fetch: discarded") && strings.Contains(body, "<title>ship: cancelled") && strings.Contains(body, "<title>tell: completed")
	})
	if body := page("flow?id=order-42&state=discarded"); !strings.Contains(body, `<a class="name" href="job?`) || strings.Contains(body, "<b>bill</b>") {
		t.Errorf("the discarded steps: %s", body)
	}
	do("signal-flow&flow=order-42&step=approved&value={", 400, "is no JSON")
	do("signal-flow&flow=order-42&step=aproved&value=1", 404, "no signal aproved")
	do("signal-flow&flow=order-42&step=approved&value=%7B%22by%22:1%7D", 303, "flow?id=order-42&done=signal-flow")
	do("signal-flow&flow=order-42&step=approved&value=2", 409, "signalled already")
	r.wants("the sender", page("flow?id=order-42"), "from operator-all")
	redistest.Eventually(t, within, "the flow can be retried", func() bool {
		return strings.Contains(page("flow?id=order-42"), "action=retry-flow&amp;flow=order-42")
	})
	do("retry-flow&flow=order-42", 303, "done=retry-flow")
	redistest.Eventually(t, within, "all is well", func() bool {
		body := page("flow?id=order-42")
		return strings.Contains(body, `<title>bill: completed`) && strings.Contains(body, "<b>5</b> of 5") && strings.Contains(body, "run 2")
	})
	r.wants("a result", page("flow?id=order-42&step=approved"), "Result of approved", `<span class="k">by</span>`, "1</span>")
	r.wants("no result", page("flow?id=order-42&step=bill"), "No result of step bill: its handler has set none.")
	if a := r.do(http.MethodGet, "flow?id=order-42&step=bil", "", as("operator-all")); a.code != http.StatusBadRequest {
		t.Errorf("of no step: %d", a.code)
	}
	do("cancel-flow&flow=order-42", 409, "has ended")
	do("cancel-flow&flow=import-7", 303, "flow?id=import-7&done=cancel-flow")
	redistest.Eventually(t, within, "the batch is cancelled", func() bool {
		return strings.Contains(page("flow?id=import-7"), `<span class="state s-cancelled">cancelled</span>`)
	})
	do("run-flow-again&flow=import-7", 400, "is a batch")
	do("cancel-flow&flow=nothing", 404, "flow nothing")
	do("cancel-flow&flow=no+id", 400, "no id")
}

// TestGraphsOfFlows: each step has a place of its own, in a column behind all that it comes after, and each line
// ends where its step is.
func TestGraphsOfFlows(t *testing.T) {
	t.Parallel()
	steps := []*flow.StepInfo{{Name: "a"}, {Name: "b"}, {Name: "lonely"}}
	for i := range 20 {
		s := &flow.StepInfo{Name: fmt.Sprintf("s%d", i), After: []string{"a"}}
		if i > 2 {
			s.After, s.AfterEnd = []string{fmt.Sprintf("s%d", i/2)}, []string{"b"}
		}
		steps = append(steps, s)
	}
	last := &flow.StepInfo{Name: strings.Repeat("long", 30), AfterHold: []string{"s19", "a"}}
	steps = append(steps, last)
	places, lines, width, height := dashboard.Graph(steps)
	if len(places) != len(steps) {
		t.Fatalf("%d places of %d steps", len(places), len(steps))
	}
	seen := map[[2]int]bool{}
	for _, s := range steps {
		at := places[s.Name]
		if seen[at] || at[0] < 0 || at[1] < 0 || at[0] >= width || at[1] >= height {
			t.Errorf("%.20s is at %v of %d x %d, or something else is", s.Name, at, width, height)
		}
		seen[at] = true
		for _, before := range slices.Concat(s.After, s.AfterEnd, s.AfterHold) {
			if places[before][0] >= at[0] {
				t.Errorf("%.20s is left of %s", s.Name, before)
			}
		}
	}
	if want := 20 + 17 + 2; len(lines) != want {
		t.Errorf("%d lines; want %d", len(lines), want)
	}
	ends := regexp.MustCompile(`(\d+) (\d+)$`)
	for _, path := range lines {
		m := ends.FindStringSubmatch(path)
		var x, y int
		if m != nil {
			_, _ = fmt.Sscan(m[1]+" "+m[2], &x, &y)
		}
		found := false
		for _, at := range places {
			found = found || at[0] == x && at[1] < y && y < at[1]+60
		}
		if !found {
			t.Errorf("the line %s ends nowhere", path)
		}
	}
	for len(steps) < 200 {
		steps = append(steps, &flow.StepInfo{Name: fmt.Sprint(len(steps))})
	}
	if places, _, _, _ := dashboard.Graph(steps); places != nil {
		t.Error("a graph of 200 steps")
	}
}
