package httpapi_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/internal/httpapi"
	"github.com/drayhorse/drayhorse/internal/jobjson"
)

// stream is a batch whose lines are sent one by one.
type stream struct {
	t       *testing.T
	body    *io.PipeWriter
	resp    chan *http.Response
	results *bufio.Scanner
	close   func()
}

// stream begins a batch. The answer comes as it is, past the validator.
func (d *door) stream() *stream {
	d.t.Helper()
	body, sent := io.Pipe()
	r := d.request(http.MethodPost, "/v1/jobs/batch", "", "Content-Type: application/x-ndjson")
	r.Body, r.ContentLength = body, -1
	transport := &http.Transport{}
	s := &stream{t: d.t, body: sent, resp: make(chan *http.Response, 1)}
	go func() {
		resp, err := transport.RoundTrip(r) //nolint:bodyclose // whoever takes it closes it
		if err != nil {
			_ = body.CloseWithError(err)
		}
		s.resp <- resp
	}()
	d.t.Cleanup(func() {
		_ = sent.Close()
		if s.close != nil {
			s.close()
		}
		transport.CloseIdleConnections()
	})
	return s
}

func (s *stream) send(text string) {
	s.t.Helper()
	if _, err := io.WriteString(s.body, text); err != nil {
		s.t.Fatal(err)
	}
}

// answer waits for the head of the answer.
func (s *stream) answer() {
	s.t.Helper()
	if s.results != nil {
		return
	}
	resp := <-s.resp
	if resp == nil {
		s.t.Fatal("no answer")
	}
	s.close = func() { _ = resp.Body.Close() }
	if resp.StatusCode != http.StatusOK {
		text, err := io.ReadAll(resp.Body)
		s.t.Fatalf("%s: %s, %v", resp.Status, text, err)
	}
	s.results = bufio.NewScanner(resp.Body)
}

// result waits for the next result.
func (s *stream) result() (r result) {
	s.t.Helper()
	s.answer()
	if !s.results.Scan() {
		s.t.Fatalf("no result: %v", s.results.Err())
	}
	if err := json.Unmarshal(s.results.Bytes(), &r); err != nil {
		s.t.Fatalf("%s: %v", s.results.Bytes(), err)
	}
	return r
}

// end ends the batch, and fails if there are more results.
func (s *stream) end() {
	s.t.Helper()
	_ = s.body.Close()
	s.answer()
	if s.results.Scan() || s.results.Err() != nil {
		s.t.Errorf("after the end: %q, %v", s.results.Text(), s.results.Err())
	}
}

func TestABatchAnswersEachLine(t *testing.T) {
	t.Parallel()
	d := setup(t)
	var lines strings.Builder
	want := 0
	for i, c := range refusals {
		if c.body == "" || strings.Contains(c.body, "\n") {
			continue
		}
		want += 2
		fmt.Fprintf(&lines, "%s\r\n{\"kind\":\"k\",\"queue\":\"q\",\"id\":\"%d\"}\n", c.body, i)
	}
	lines.WriteString("\n  \n" + `{"kind":"k","queue":"q","id":"3"}` + "\n" + strings.Repeat("x", jobjson.MaxLine+1) + "\n" + `{"kind":"k","queue":"q","id":"last"}`)
	got := d.batch(lines.String()).results(t)
	if len(got) != want+3 {
		t.Fatalf("%d results; want %d", len(got), want+3)
	}
	i := 0
	for n, c := range refusals {
		if c.body == "" || strings.Contains(c.body, "\n") {
			continue
		}
		bad, good := got[i], got[i+1]
		if bad.Line != i+1 || bad.Status != c.code || bad.Problem == nil || bad.Problem.Field != c.field {
			t.Errorf("%s: %+v; want %d with field %q", c.name, bad, c.code, c.field)
		}
		if good.Line != i+2 || good.Status != 201 || good.ID != fmt.Sprint(n) || good.Queue != "q" {
			t.Errorf("after %s: %+v", c.name, good)
		}
		i += 2
	}
	known, long, last := got[i], got[i+1], got[i+2]
	if known.Status != 200 || known.Line != i+3 || long.Status != 413 || last.Status != 201 || last.ID != "last" || last.Line != i+5 {
		t.Errorf("at the end: %+v", got[i:])
	}
	if n := d.jobsIn("q"); n != want/2+1 {
		t.Errorf("%d jobs; want %d", n, want/2+1)
	}
}

func TestABatchIsAnsweredWhileItIsSent(t *testing.T) {
	t.Parallel()
	d := setup(t)
	s := d.stream()
	for i := 1; i <= 3; i++ {
		s.send(fmt.Sprintf("{\"kind\":\"k\",\"queue\":\"q\",\"id\":\"%d\"}\n{\"kind\":", i)) // one line, and the beginning of another
		if r := s.result(); r.Line != 2*i-1 || r.Status != 201 || d.jobsIn("q") != i {
			t.Fatalf("%+v", r)
		}
		s.send("5}\n")
		if r := s.result(); r.Line != 2*i || r.Status != 422 {
			t.Fatalf("%+v", r)
		}
	}
	s.end()
}

func TestABatchOfNothing(t *testing.T) {
	t.Parallel()
	d := setup(t)
	for _, body := range []string{"", "\n\n"} {
		if a := d.batch(body); a.code != http.StatusOK || a.body != "" || a.header.Get("Content-Type") != "application/x-ndjson" {
			t.Errorf("%q: %d %q", body, a.code, a.body)
		}
	}
}

func TestABatchCanBeAnsweredWhereItIsRefusedAlone(t *testing.T) {
	t.Parallel()
	d := setup(t)
	a := d.do(http.MethodPost, "/v1/jobs/batch?results=refused", "{\"kind\":\"k\"}\nbad\n{\"kind\":\"k\"}\n", "Content-Type: application/x-ndjson")
	if got := a.results(t); len(got) != 1 || got[0].Line != 2 || d.jobsIn("default") != 2 {
		t.Errorf("%s", a.body)
	}
}

func TestABatchEndsWhenTheServerStops(t *testing.T) {
	t.Parallel()
	d := setup(t, limits(func(l *httpapi.Limits) { l.ClientTimeout = time.Hour })) // nothing else ends it
	s := d.stream()
	s.send("{\"kind\":\"k\",\"queue\":\"q\"}\n{\"kind\"")
	s.result()
	d.stop()
	if r := s.result(); r.Line != 2 || r.Status != http.StatusServiceUnavailable || !strings.HasSuffix(r.Problem.Type, "#busy") {
		t.Errorf("%+v", r)
	}
	if s.results.Scan() || s.results.Err() != nil {
		t.Errorf("the answer does not end: %v", s.results.Err())
	}
	if n := d.jobsIn("q"); n != 1 {
		t.Errorf("%d jobs; want 1", n)
	}
}

func TestABatchDoesNotOutliveItsToken(t *testing.T) {
	t.Parallel()
	path, asked := tokens(t, "tokens:\n"+entry("a", "a", "enqueue: [q]"))
	d := setup(t, asked)
	d.token = "a"
	s := d.stream()
	write(t, path, "tokens:\n"+entry("b", "b", "enqueue: [q]"))
	taken := 0
	for {
		s.send(`{"kind":"k","queue":"q"}` + "\n")
		r := s.result()
		if r.Status == http.StatusUnauthorized {
			break
		}
		if taken++; r.Status != http.StatusCreated {
			t.Fatalf("%+v", r)
		}
	}
	s.end()
	if n := d.jobsIn("q"); n != taken {
		t.Errorf("%d jobs; want %d", n, taken)
	}
}

func TestAClientThatLeavesABatchDisturbsNobody(t *testing.T) {
	t.Parallel()
	d := setup(t, limits(func(l *httpapi.Limits) { l.MaxBatches = 1 }))
	conn := d.dial()
	_, err := fmt.Fprintf(conn, "POST /v1/jobs/batch HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-ndjson\r\nContent-Length: 1000\r\n\r\n{\"kind\":\"k\",\"queue\":\"q\"}\n{", d.addr)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(conn).ReadString('\n'); err != nil { // the answer has begun
		t.Fatal(err)
	}
	_ = conn.Close()
	d.eventually("the place of the batch is free", func() bool { return d.batch(`{"kind":"k","queue":"q"}`).code == http.StatusOK })
	if n := d.jobsIn("q"); n != 2 {
		t.Errorf("%d jobs; want 2", n)
	}
}

var batchLines = flag.Int("batch.lines", 50_000, "lines of the large batch")

func TestALargeBatch(t *testing.T) {
	t.Parallel()
	d := setup(t)
	body, sent := io.Pipe()
	r := d.request(http.MethodPost, "/v1/jobs/batch", "", "Content-Type: application/x-ndjson")
	r.Body, r.ContentLength = body, -1
	go func() {
		w := bufio.NewWriter(sent)
		for i := range *batchLines {
			_, _ = fmt.Fprintf(w, "{\"kind\":\"k\",\"args\":{\"n\":%d},\"queue\":\"q\"}\n", i)
		}
		_ = sent.CloseWithError(w.Flush())
	}()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	n := 0
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); n++ {
		if !bytes.HasPrefix(lines.Bytes(), fmt.Appendf(nil, `{"line":%d,"status":201,`, n+1)) {
			t.Fatalf("result %d is %s", n+1, lines.Bytes())
		}
	}
	if stored := d.jobsIn("q"); n != *batchLines || stored != *batchLines {
		t.Errorf("%d results and %d jobs; want %d", n, stored, *batchLines)
	}
}
