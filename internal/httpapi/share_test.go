package httpapi_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/internal/httpapi"
)

// two makes a server with the tokens greedy and honest.
func two(t *testing.T, greedy string, change ...func(*httpapi.Config)) *door {
	t.Helper()
	_, asked := tokens(t, "tokens:\n"+entry("greedy", "greedy", greedy)+entry("honest", "honest", `enqueue: ["*"], read: ["*"]`))
	return setup(t, append(change, asked)...)
}

func (d *door) as(token string) *door { d.token = token; return d }

func TestATokenHoldsHalfOfTheBatches(t *testing.T) {
	t.Parallel()
	d := two(t, `enqueue: ["*"]`, limits(func(l *httpapi.Limits) { l.MaxBatches = 4 })).as("greedy")
	for range 2 {
		s := d.stream()
		s.send(`{"kind":"k"}` + "\n")
		s.result()
	}
	if a := d.batch(`{"kind":"k"}`); a.code != http.StatusTooManyRequests || !strings.HasSuffix(a.problem(t).Type, "#token-busy") || a.header.Get("Retry-After") == "" {
		t.Errorf("a third batch: %d %s", a.code, a.body)
	}
	if a := d.as("honest").batch(`{"kind":"k"}`); a.code != http.StatusOK {
		t.Errorf("another token: %d %s", a.code, a.body)
	}
}

func TestATokenMayHaveLessThanHalf(t *testing.T) {
	t.Parallel()
	d := two(t, `enqueue: ["*"], max_batches: 0, max_requests: 1`).as("greedy")
	if a := d.batch(`{"kind":"k"}`); a.code != http.StatusTooManyRequests {
		t.Errorf("a batch: %d %s", a.code, a.body)
	}
	if a := d.post(`{"kind":"k"}`); a.code != http.StatusCreated {
		t.Errorf("a job: %d %s", a.code, a.body)
	}
}

// half sends the beginning of a request whose body is that long.
func (d *door) half(token, beginning string, length int) {
	d.t.Helper()
	conn := d.dial()
	_, err := fmt.Fprintf(conn, "POST /v1/jobs HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", d.addr, token, length, beginning)
	if err != nil {
		d.t.Fatal(err)
	}
}

func TestATokenHoldsHalfOfTheMemory(t *testing.T) {
	t.Parallel()
	d := two(t, `enqueue: ["*"]`, limits(func(l *httpapi.Limits) { l.MaxMemory = 20e6; l.ClientTimeout = time.Minute }))
	large := `{"kind":"k","args":"` + strings.Repeat("x", 1e6) + `"}`
	for range 2 { // 6 MB each, of 10: the second waits for the first, and keeps it from nobody
		d.half("greedy", large[:100_000], len(large))
	}
	d.eventually("the token has no room left", func() bool {
		a := d.as("greedy").post(large)
		return a.code == http.StatusTooManyRequests && strings.HasSuffix(a.problem(t).Type, "#token-busy")
	})
	if a := d.as("greedy").post(`{"kind":"k"}`); a.code != http.StatusCreated {
		t.Errorf("a small job: %d %s", a.code, a.body)
	}
	if a := d.as("honest").post(large); a.code != http.StatusCreated {
		t.Errorf("a large job of another token: %d %.300s", a.code, a.body)
	}
}

func TestLargeJobsPassAndReturnTheirMemory(t *testing.T) {
	t.Parallel()
	d := setup(t, limits(func(l *httpapi.Limits) { l.MaxMemory = 14e6 }))
	large := `{"kind":"k","args":"` + strings.Repeat("x", 1e6) + `"}`
	for range 5 {
		if a := d.post(large); a.code != http.StatusCreated {
			t.Fatalf("%d %.300s", a.code, a.body)
		}
	}
	lines := strings.Repeat(large+"\n"+`{"kind":"k","args":"`+strings.Repeat("x", 30_000)+`"}`+"\n", 3) + "bad"
	got := d.batch(lines).results(t)
	if len(got) != 7 || got[5].Status != http.StatusCreated || got[6].Status != http.StatusUnprocessableEntity || got[6].Line != 7 {
		t.Errorf("%+v", got)
	}
	if n := d.jobsIn("default"); n != 11 {
		t.Errorf("%d jobs; want 11", n)
	}
}

func TestWhatATokenMayNotIsAnsweredBeforeItsBody(t *testing.T) {
	t.Parallel()
	d := two(t, `read: ["*"], read_rate: 1`, limits(func(l *httpapi.Limits) { l.ClientTimeout = time.Minute }))
	for _, path := range []string{"/v1/jobs", "/v1/jobs/batch"} {
		in, out := io.Pipe() // a body that never comes
		defer out.Close()
		r := d.as("greedy").request(http.MethodPost, path, "")
		r.Body, r.ContentLength = in, -1
		if path != "/v1/jobs" {
			r.Header.Set("Content-Type", "application/x-ndjson")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second) // half of what the body has
		defer cancel()
		resp, err := http.DefaultTransport.RoundTrip(r.WithContext(ctx))
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if a := read(t, resp); a.code != http.StatusForbidden {
			t.Errorf("%s: %d %s", path, a.code, a.body)
		}
	}
	if a := d.do(http.MethodGet, "/v1/jobs/x", ""); a.code != http.StatusNotFound {
		t.Errorf("a look-up: %d %s", a.code, a.body)
	}
	limited := false
	for range 20 {
		limited = limited || d.do(http.MethodGet, "/v1/jobs/x", "").code == http.StatusTooManyRequests
	}
	if !limited {
		t.Error("look-ups have no rate")
	}
}

func TestBlankLinesKeepNoBatchOpen(t *testing.T) {
	t.Parallel()
	d := setup(t, limits(func(l *httpapi.Limits) { l.ClientTimeout = time.Second }))
	s := d.stream()
	s.send(`{"kind":"k"}` + "\n")
	s.result()
	ended := make(chan result, 1)
	go func() { ended <- s.result() }()
	for blank := time.NewTicker(50 * time.Millisecond); ; {
		select {
		case r := <-ended:
			if r.Status != http.StatusRequestTimeout {
				t.Errorf("%+v", r)
			}
			return
		case <-blank.C:
			_, _ = io.WriteString(s.body, "\n")
		case <-time.After(within):
			t.Fatal("the batch stays open")
		}
	}
}

func TestMisspeltQueryKeysAreRefused(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.post(`{"kind":"k","id":"a"}`)
	for path, want := range map[string]string{
		"/v1/jobs/a?que=default": `query key "que" is not known; want queue`, "/v1/jobs/a?queue=default&queue=x": "comes 2 times",
		"/v1/jobs/a?queue=%zz": "cannot be read", "/v1/jobs/a?Queue=default": `"Queue" is not known`,
	} {
		for _, method := range []string{http.MethodGet, http.MethodDelete} {
			if a := d.do(method, path, ""); a.code != http.StatusUnprocessableEntity || !strings.Contains(a.problem(t).Detail, want) {
				t.Errorf("%s %s: %d %s; want %q", method, path, a.code, a.body, want)
			}
		}
	}
	if a := d.do(http.MethodPost, "/v1/jobs?queue=mail", `{"kind":"k"}`); a.code != http.StatusUnprocessableEntity || a.problem(t).Field != "queue" {
		t.Errorf("%d %s", a.code, a.body)
	}
	if a := d.do(http.MethodPost, "/v1/jobs/batch?result=refused", `{"kind":"k"}`, "Content-Type: application/x-ndjson"); a.problem(t).Field != "result" {
		t.Errorf("%d %s", a.code, a.body)
	}
	if n := d.jobsIn("default"); n != 1 {
		t.Errorf("%d jobs; want 1", n)
	}
}

func TestByteOrderMarksArePassedOver(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.client = &http.Client{Timeout: within} // the validator of the document does not know of marks
	const mark = "\xef\xbb\xbf"
	if a := d.post(mark + `{"kind":"k"}`); a.code != http.StatusCreated {
		t.Errorf("%d %s", a.code, a.body)
	}
	if got := d.batch(mark + "{\"kind\":\"k\"}\n" + mark + "\n{\"kind\":\"k\"}\n").results(t); len(got) != 2 || got[0].Status != 201 || got[1].Line != 3 {
		t.Errorf("%+v", got)
	}
}
