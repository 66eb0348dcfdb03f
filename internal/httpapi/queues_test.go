package httpapi_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/internal/httpapi"
	"github.com/drayhorse/drayhorse/internal/redistest"
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

// TestAJobIsFoundAmongManyQueues: without a name of a queue, whether there are 10 or 10,000,
// for few commands that go to Redis together.
func TestAJobIsFoundAmongManyQueues(t *testing.T) {
	t.Parallel()
	for n, scripts := range map[int]int{10: 1, 10_000: 51} { // 200 queues each
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t)
			d := setupOn(t, server.URL, limits(func(l *httpapi.Limits) { l.MaxQueues, l.ReadRate = 0, 0 }))
			d.post(`{"kind":"k","id":"a"}`)
			rows := make([]any, 0, 2*n)
			for i := range n {
				rows = append(rows, fmt.Sprintf("q%05d", i), 1)
			}
			client := server.Client(t)
			if err := client.HSet(t.Context(), d.namespace+":queues", rows...).Err(); err != nil {
				t.Fatal(err)
			}
			// ask asks until Redis answers in time, on a machine that is busy, and gives how many
			// scripts that took.
			ask := func(method, path string) (a answer, scripts int) {
				d.eventually("an answer in time", func() bool {
					before, begun := calls(t, client), time.Now()
					a = d.do(method, path, "")
					scripts = calls(t, client) - before
					t.Logf("%d queues: %s %s: %d in %v, scripts: %d", n, method, path, a.code, time.Since(begun), scripts)
					return a.code != http.StatusServiceUnavailable
				})
				return a, scripts
			}
			if a, _ := ask(http.MethodGet, "/v1/jobs/a"); a.code != http.StatusOK || a.info(t).Queue != "default" {
				t.Fatalf("%d %s", a.code, a.body)
			}
			// Others run scripts too: once a second the queues are counted, and Redis goes on
			// with what was given up. Of some tries one is alone.
			d.eventually(fmt.Sprintf("a look-up in %d scripts", scripts), func() bool {
				a, took := ask(http.MethodGet, "/v1/jobs/nobody")
				if a.code != http.StatusNotFound || took < scripts {
					t.Fatalf("an ID that no queue knows: %d %s, scripts: %d; want %d", a.code, a.body, took, scripts)
				}
				return took == scripts
			})
			if a, _ := ask(http.MethodDelete, "/v1/jobs/a"); a.code != http.StatusAccepted && !strings.HasSuffix(a.problem(t).Type, "#ended") { // by one that was not answered in time
				t.Errorf("cancel: %d %s", a.code, a.body)
			}
		})
	}
}

// TestALookUpAmongManyQueuesIsCountedAsMany: its rate bounds what a token costs Redis, and
// beyond a number of queues it has to name one.
func TestALookUpAmongManyQueuesIsCountedAsMany(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	d := setupOn(t, server.URL, limits(func(l *httpapi.Limits) { l.MaxQueues, l.ReadRate = 0, 10 }))
	fill := func(from, to int) {
		var rows []any
		for i := from; i < to; i++ {
			rows = append(rows, fmt.Sprintf("q%05d", i), 1)
		}
		if err := server.Client(t).HSet(t.Context(), d.namespace+":queues", rows...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	fill(0, 1000)
	d.post(`{"kind":"k","id":"a"}`)
	look := func() answer { return d.do(http.MethodGet, "/v1/jobs/a", "") }
	d.eventually("of two at once one is refused", func() bool {
		other := make(chan answer, 1)
		go func() { other <- look() }()
		return slices.ContainsFunc([]answer{look(), <-other}, func(a answer) bool {
			return a.code == http.StatusTooManyRequests && a.header.Get("Retry-After") != ""
		})
	})
	// Who asks again at once, as this does, does not use up in part what a look-up wants whole.
	d.eventually("it is answered again", func() bool { return look().code == http.StatusOK })
	fill(1000, 20_001)
	d.eventually("it is refused", func() bool { return d.do(http.MethodGet, "/v1/jobs/a", "").code == http.StatusUnprocessableEntity })
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		d.eventually(method+" wants a queue", func() bool {
			a := d.do(method, "/v1/jobs/a", "")
			return a.code == http.StatusUnprocessableEntity && strings.Contains(a.problem(t).Detail, "want ?queue=NAME")
		})
		d.eventually(method+" of a queue", func() bool {
			a := d.do(method, "/v1/jobs/a?queue=default", "")
			return a.code == http.StatusOK || a.code == http.StatusAccepted
		})
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
