package httpapi_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/httpapi"
)

func TestEachTokenHasItsRate(t *testing.T) {
	t.Parallel()
	_, asked := tokens(t, "tokens:\n"+entry("slow", "slow", "enqueue: [q], rate: 0.01")+entry("plain", "plain", "enqueue: [q]")+entry("free", "free", "enqueue: [q], rate: 0"))
	d := setup(t, limits(func(l *httpapi.Limits) { l.Rate = 2 }), asked)
	const tries = 20
	for token, want := range map[string]struct{ atOnce, wait int }{"slow": {1, 100}, "plain": {2, 1}, "free": {tries, 0}} {
		d.token = token
		taken := 0
		for ; taken < tries; taken++ {
			a := d.post(`{"kind":"k","queue":"q"}`)
			if a.code == http.StatusCreated {
				continue
			}
			if after, err := strconv.Atoi(a.header.Get("Retry-After")); a.code != http.StatusTooManyRequests || err != nil || after > want.wait || !strings.HasSuffix(a.problem(t).Type, "#rate-limited") {
				t.Fatalf("%s: %d %v %s", token, a.code, a.header, a.body)
			}
			break
		}
		if taken < want.atOnce || want.wait > 0 && taken == tries {
			t.Errorf("%s: %d jobs at once; want %d", token, taken, want.atOnce)
		}
	}
}

func TestABatchIsSlowedDownToItsRate(t *testing.T) {
	t.Parallel()
	d := setup(t, limits(func(l *httpapi.Limits) { l.Rate = 50 }))
	began := time.Now()
	got := d.batch(strings.Repeat(`{"kind":"k","queue":"q"}`+"\n", 80)).results(t)
	if took := time.Since(began); took < 500*time.Millisecond { // 50 at once, and 30 of the next second
		t.Errorf("80 jobs went in within %v", took)
	}
	if len(got) != 80 || got[79].Status != http.StatusCreated || d.jobsIn("q") != 80 {
		t.Errorf("%d results, %d jobs", len(got), d.jobsIn("q"))
	}
}

func TestAFullQueueTakesNoMore(t *testing.T) {
	t.Parallel()
	d := setup(t, limits(func(l *httpapi.Limits) { l.MaxDepth = 5 }))
	for range 3 {
		if a := d.post(`{"kind":"k","queue":"q"}`); a.code != http.StatusCreated {
			t.Fatalf("%d %s", a.code, a.body)
		}
	}
	got := d.batch(strings.Repeat(`{"kind":"k","queue":"q"}`+"\n", 4) + `{"kind":"k","queue":"other"}`).results(t)
	for i, want := range []int{201, 201, 429, 429, 201} {
		if got[i].Status != want {
			t.Errorf("line %d: %v; want %d", i+1, got[i], want)
		}
	}
	full := d.post(`{"kind":"k","queue":"q","id":"late"}`)
	if p := full.problem(t); full.code != http.StatusTooManyRequests || p.Field != "queue" || !strings.HasSuffix(p.Type, "#queue-full") || full.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", full.code, full.body)
	}
	if n := d.jobsIn("q"); n != 5 {
		t.Errorf("%d jobs; want 5", n)
	}
	if _, err := d.queues.Purge(t.Context(), "q", drayhorse.Available); err != nil {
		t.Fatal(err)
	}
	d.eventually("there is room again", func() bool {
		return d.post(`{"kind":"k","queue":"q","id":"late"}`).code == http.StatusCreated
	})
}

// gate holds those who enqueue until it is opened.
type gate struct {
	httpapi.Jobs

	came chan struct{}
	open chan struct{}
}

func (g *gate) Enqueue(ctx context.Context, args drayhorse.Args, options ...drayhorse.Option) (*drayhorse.Info, error) {
	g.came <- struct{}{}
	<-g.open
	return g.Jobs.Enqueue(ctx, args, options...)
}

func TestMoreRequestsThanTheLimitAreRefused(t *testing.T) {
	t.Parallel()
	g := &gate{came: make(chan struct{}), open: make(chan struct{})}
	d := setup(t, limits(func(l *httpapi.Limits) { l.MaxRequests = 3 }), func(c *httpapi.Config) { g.Jobs, c.Jobs = c.Jobs, g })
	answers := make(chan answer)
	for range 3 {
		go func() { answers <- d.post(`{"kind":"k"}`) }()
		<-g.came
	}
	if a := d.post(`{"kind":"k"}`); a.code != http.StatusServiceUnavailable || a.header.Get("Retry-After") != "1" || !strings.HasSuffix(a.problem(t).Type, "#busy") {
		t.Errorf("%d %s", a.code, a.body)
	}
	close(g.open)
	for range 3 {
		if a := <-answers; a.code != http.StatusCreated {
			t.Errorf("%d %s", a.code, a.body)
		}
	}
	if a := d.do(http.MethodGet, "/v1/jobs/a", ""); a.code != http.StatusNotFound {
		t.Errorf("after that: %d %s", a.code, a.body)
	}
}

func TestMoreBatchesThanTheLimitAreRefused(t *testing.T) {
	t.Parallel()
	d := setup(t, limits(func(l *httpapi.Limits) { l.MaxBatches = 1 }))
	first := d.stream()
	first.send(`{"kind":"k"}` + "\n")
	first.result()
	if a := d.batch(`{"kind":"k"}`); a.code != http.StatusServiceUnavailable || !strings.HasSuffix(a.problem(t).Type, "#busy") {
		t.Errorf("%d %s", a.code, a.body)
	}
	if a := d.post(`{"kind":"k"}`); a.code != http.StatusCreated {
		t.Errorf("a job alone: %d %s", a.code, a.body)
	}
	first.end()
	d.eventually("there is room again", func() bool { return d.batch(`{"kind":"k"}`).code == http.StatusOK })
}

func TestLargeHeadersAreRefused(t *testing.T) {
	t.Parallel()
	d := setup(t, limits(func(l *httpapi.Limits) { l.MaxHeader = 1 << 10 }))
	conn := d.dial()
	if _, err := fmt.Fprintf(conn, "GET /openapi.yaml HTTP/1.1\r\nHost: localhost\r\nX: %s\r\n\r\n", strings.Repeat("x", 8<<10)); err != nil {
		t.Fatal(err)
	}
	head := make([]byte, len("HTTP/1.1 431"))
	if _, err := io.ReadFull(conn, head); err != nil || string(head) != "HTTP/1.1 431" {
		t.Errorf("%q, %v", head, err)
	}
}

func TestImpossibleLimits(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*httpapi.Limits){
		"max_body 0":         func(l *httpapi.Limits) { l.MaxBody = 0 },
		"max_header 10":      func(l *httpapi.Limits) { l.MaxHeader = 10 },
		"rate -1":            func(l *httpapi.Limits) { l.Rate = -1 },
		"max_depth -1":       func(l *httpapi.Limits) { l.MaxDepth = -1 },
		"max_requests 0":     func(l *httpapi.Limits) { l.MaxRequests = 0 },
		"max_batches 0":      func(l *httpapi.Limits) { l.MaxBatches = 0 },
		"client_timeout 0s":  func(l *httpapi.Limits) { l.ClientTimeout = 0 },
		"shutdown_timeout -": func(l *httpapi.Limits) { l.ShutdownTimeout = -1 },
	} {
		l := httpapi.DefaultLimits()
		change(&l)
		if err := l.Validate(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
