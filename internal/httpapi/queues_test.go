package httpapi_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse/internal/httpapi"
)

func TestQueuesAreCreatedUpToALimit(t *testing.T) {
	t.Parallel()
	d := setup(t, limits(func(l *httpapi.Limits) { l.MaxQueues = 5 }))
	var lines strings.Builder
	for i := range 3000 { // in several rounds
		fmt.Fprintf(&lines, "{\"kind\":\"k\",\"queue\":\"q%d\"}\n", i)
	}
	got := d.batch(lines.String()).results(t)
	stored := 0
	for _, r := range got {
		switch r.Status {
		case http.StatusCreated:
			stored++
		case http.StatusUnprocessableEntity:
			if r.Problem.Field != "queue" || !strings.Contains(r.Problem.Detail, "max_queues is 5") || !strings.HasSuffix(r.Problem.Type, "#too-many-queues") {
				t.Fatalf("%+v", r.Problem)
			}
		default:
			t.Fatalf("%+v", r)
		}
	}
	queues, err := d.queues.Queues(t.Context())
	if err != nil || stored != 5 || len(queues) != 5 || len(got) != 3000 {
		t.Errorf("%d of %d lines were stored in %d queues, %v; want 5 in 5", stored, len(got), len(queues), err)
	}
	if a := d.post(`{"kind":"k","queue":"q1"}`); a.code != http.StatusCreated {
		t.Errorf("a queue that exists: %d %s", a.code, a.body)
	}
	if a := d.post(`{"kind":"k","queue":"another"}`); a.code != http.StatusUnprocessableEntity || a.problem(t).Field != "queue" {
		t.Errorf("another queue: %d %s", a.code, a.body)
	}
}

func TestATokenCreatesHalfOfTheQueues(t *testing.T) {
	t.Parallel()
	d := two(t, `enqueue: ["*"]`, limits(func(l *httpapi.Limits) { l.MaxQueues = 4; l.MaxDepth = 0 }))
	for token, want := range map[string]int{"greedy": 2, "honest": 2} {
		created := 0
		for i := range 5 {
			if a := d.as(token).post(`{"kind":"k","queue":"` + token + strconv.Itoa(i) + `"}`); a.code == http.StatusCreated {
				created++
			} else if a.code != http.StatusUnprocessableEntity {
				t.Errorf("%d %s", a.code, a.body)
			}
		}
		if created != want {
			t.Errorf("%s created %d queues; want %d", token, created, want)
		}
	}
}

func TestATokenMayCreateNoQueues(t *testing.T) {
	t.Parallel()
	d := two(t, `enqueue: ["*"], create_queues: 0`)
	if a := d.as("greedy").post(`{"kind":"k","queue":"new"}`); a.code != http.StatusForbidden || a.problem(t).Field != "queue" {
		t.Errorf("%d %s", a.code, a.body)
	}
	d.as("honest").post(`{"kind":"k","queue":"new"}`)
	if a := d.as("greedy").post(`{"kind":"k","queue":"new"}`); a.code != http.StatusCreated {
		t.Errorf("a queue that exists: %d %s", a.code, a.body)
	}
}

func TestALookUpWithoutAQueueCostsTheSameAmongMany(t *testing.T) {
	t.Parallel()
	d := setup(t, limits(func(l *httpapi.Limits) { l.MaxQueues = 0 }))
	d.post(`{"kind":"k","id":"a"}`)
	if a := d.do(http.MethodGet, "/v1/jobs/a", ""); a.code != http.StatusOK {
		t.Fatalf("%d %s", a.code, a.body)
	}
	for i := range 200 {
		if _, err := d.queues.CreateQueue(t.Context(), "q"+strconv.Itoa(i), 1); err != nil {
			t.Fatal(err)
		}
	}
	d.eventually("it is refused", func() bool { return d.do(http.MethodGet, "/v1/jobs/a", "").code == http.StatusUnprocessableEntity })
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		if p := d.do(method, "/v1/jobs/a", "").problem(t); p.Field != "queue" || !strings.Contains(p.Detail, "want ?queue=NAME") {
			t.Errorf("%+v", p)
		}
		if a := d.do(method, "/v1/jobs/a?queue=default", ""); a.code != http.StatusOK && a.code != http.StatusAccepted {
			t.Errorf("%d %s", a.code, a.body)
		}
	}
}

func TestACancelSaysThatAJobHasEnded(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.post(`{"kind":"k","id":"a"}`)
	for _, path := range []string{"/v1/jobs/a", "/v1/jobs/a", "/v1/jobs/a?queue=default"} {
		a := d.do(http.MethodDelete, path, "")
		if a.code == http.StatusAccepted && path != "" {
			continue
		}
		if p := a.problem(t); a.code != http.StatusNotFound || !strings.HasSuffix(p.Type, "#ended") || !strings.Contains(p.Detail, "has ended") {
			t.Errorf("%d %s", a.code, a.body)
		}
	}
	if p := d.do(http.MethodDelete, "/v1/jobs/b", "").problem(t); !strings.HasSuffix(p.Type, "#not-found") {
		t.Errorf("%+v", p)
	}
}
