package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/httpapi"
	"github.com/drayhorse/drayhorse/internal/logtest"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// within is how long a test waits for what is to happen.
const within = 30 * time.Second

// door is a server in a namespace of its own, and a client of it.
type door struct {
	t         *testing.T
	addr      string // HOST:PORT
	namespace string
	token     string // that requests carry; "": none
	jobs      *producer.Producer
	queues    *admin.Admin
	server    *httpapi.Server
	patience  time.Duration // of its requests with Redis; 0: the usual
	client    *http.Client  // all that goes through it fits the OpenAPI document
	stop      func()        // stops the server and waits until it has
}

// setup serves on the shared Redis, which is never away: a busy machine may let a request or a
// client wait for as long as a test may.
func setup(t *testing.T, change ...func(*httpapi.Config)) *door {
	t.Helper()
	patient := limits(func(l *httpapi.Limits) { l.ClientTimeout = within })
	return open(t, redistest.Shared(t), within, append([]func(*httpapi.Config){patient}, change...)...)
}

// setupOn serves on a Redis of the test's own.
func setupOn(t *testing.T, redis string, change ...func(*httpapi.Config)) *door {
	t.Helper()
	return open(t, redis, 0, change...)
}

// open serves on a Redis, for which requests wait that long, or as long as for any if that is 0.
func open(t *testing.T, redis string, patience time.Duration, change ...func(*httpapi.Config)) *door {
	t.Helper()
	namespace := redistest.Namespace(t)
	jobs, err := producer.New(producer.Config{RedisURL: redis, Namespace: namespace})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = jobs.Close() })
	queues, err := admin.New(admin.Config{RedisURL: redis, Namespace: namespace})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = queues.Close() })
	cfg := httpapi.Config{Jobs: jobs, Queues: queues, Limits: httpapi.DefaultLimits()}
	for _, f := range change {
		f(&cfg)
	}
	d := &door{t: t, namespace: namespace, patience: patience, jobs: jobs, queues: queues}
	d.serve(cfg)
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	d.client = &http.Client{Transport: validating{t, transport}, Timeout: redistest.Stretch * within}
	t.Cleanup(transport.CloseIdleConnections)
	return d
}

func (d *door) serve(cfg httpapi.Config) {
	d.t.Helper()
	server, err := httpapi.New(cfg)
	if err != nil {
		d.t.Fatal(err)
	}
	if d.patience > 0 {
		server.BePatient(d.patience)
	}
	listener, err := httpapi.Listen(d.t.Context(), httpapi.Listening{Addr: "127.0.0.1:0", Tokens: cfg.Tokens != nil})
	if err != nil {
		d.t.Fatal(err)
	}
	d.server, d.addr = server, listener.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, listener) }()
	stopped := false
	d.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			d.t.Errorf("serve: %v", err)
		}
	}
	d.t.Cleanup(d.stop)
}

// limits makes a change of a Config.
func limits(change func(*httpapi.Limits)) func(*httpapi.Config) {
	return func(c *httpapi.Config) { change(&c.Limits) }
}

// tokens makes a server ask for tokens of a file.
func tokens(t *testing.T, content string) (path string, change func(*httpapi.Config)) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "tokens.yaml")
	write(t, path, content)
	return path, func(c *httpapi.Config) {
		var err error
		if c.Tokens, err = httpapi.OpenTokens(path, c.Limits.Rates(), c.Logger); err != nil {
			t.Fatal(err)
		}
	}
}

// entry is a token of a file.
func entry(name, token, scopes string) string {
	return "  - {name: " + name + ", sha256: \"" + httpapi.HashOf(token).String() + "\", " + scopes + "}\n"
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// answer is what came back.
type answer struct {
	code   int
	header http.Header
	body   string
}

// request makes a request; headers are NAME: VALUE.
func (d *door) request(method, path, body string, headers ...string) *http.Request {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), method, "http://"+d.addr+path, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	if d.token != "" {
		r.Header.Set("Authorization", "Bearer "+d.token)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	return r
}

func (d *door) do(method, path, body string, headers ...string) answer {
	d.t.Helper()
	resp, err := d.client.Do(d.request(method, path, body, headers...))
	if err != nil {
		d.t.Fatal(err)
	}
	return read(d.t, resp)
}

func read(t *testing.T, resp *http.Response) answer {
	t.Helper()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(body)}
}

func (d *door) post(body string, headers ...string) answer {
	d.t.Helper()
	return d.do(http.MethodPost, "/v1/jobs", body, headers...)
}

func (d *door) batch(body string, headers ...string) answer {
	d.t.Helper()
	return d.do(http.MethodPost, "/v1/jobs/batch", body, append([]string{"Content-Type: application/x-ndjson"}, headers...)...)
}

// info reads an answer that is a job.
func (a answer) info(t *testing.T) drayhorse.Info {
	t.Helper()
	var info drayhorse.Info
	if err := json.Unmarshal([]byte(a.body), &info); err != nil {
		t.Fatalf("%d %s: %v", a.code, a.body, err)
	}
	return info
}

// problem reads an answer that refuses.
func (a answer) problem(t *testing.T) (p httpapi.Problem) {
	t.Helper()
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		t.Fatalf("%d with Content-Type %q: %s", a.code, got, a.body)
	}
	if err := json.Unmarshal([]byte(a.body), &p); err != nil || p.Status != a.code {
		t.Fatalf("%d %s: %v", a.code, a.body, err)
	}
	return p
}

// result is the answer to a line of a batch.
type result struct {
	Line    int
	Status  int
	ID      string
	Queue   string
	Problem *httpapi.Problem
}

func (a answer) results(t *testing.T) (all []result) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader([]byte(a.body)))
	for d.More() {
		var r result
		if err := d.Decode(&r); err != nil {
			t.Fatalf("%d %s: %v", a.code, a.body, err)
		}
		all = append(all, r)
	}
	return all
}

// jobsIn gives how many jobs a queue has that have not ended.
func (d *door) jobsIn(queue string) int {
	d.t.Helper()
	all, err := d.queues.Queues(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	for _, q := range all {
		if q.Name == queue {
			return q.Scheduled + q.Available + q.Running + q.Retryable
		}
	}
	return 0
}

// dial opens a bare connection to the server.
func (d *door) dial() net.Conn {
	d.t.Helper()
	conn, err := net.Dial("tcp", d.addr)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// eventually waits until fact is true.
func (d *door) eventually(what string, fact func() bool) {
	d.t.Helper()
	redistest.Eventually(d.t, within, what, fact)
}

// newLog makes a log, and a function that gives what is in it.
func newLog() (*slog.Logger, func() string) {
	w := &logtest.Buffer{}
	return slog.New(slog.NewTextHandler(w, nil)), w.String
}
