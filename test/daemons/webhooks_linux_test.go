package daemons

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli/clitest"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

var webhooks = flag.Int("webhooks", 450, "how many webhooks are imported")

const (
	// maxMemory is how much a worker may have had at its peak.
	maxMemory = 200 << 20
	// retryAfter is what the server asks for.
	retryAfter = 2 * time.Second
	// hugeAnswer is how much the server would send.
	hugeAnswer = 1 << 30
)

const hookConfig = `
concurrency: 50
handlers:
  hook:   {http: {url: "%[1]s/hook", allow_private: true, redirects: 2}}
  brief:  {http: {url: "%[1]s/hook", timeout: 5s, allow_private: true}}
  sealed: {http: {url: "%[1]s/sealed"}}
`

// outcome is what must become of a webhook.
type outcome struct {
	state   drayhorse.State
	attempt int
	errors  string // what the last error says
	result  bool   // the answer is kept
}

// answers are what the server does at a first attempt, and what must come of it.
// At later ones it answers 200.
var answers = []struct {
	name    string
	kind    string
	most    int // attempts
	first   http.HandlerFunc
	outcome outcome
}{
	{"200", "hook", 25, fine, outcome{drayhorse.Completed, 1, "", true}},
	{"404", "hook", 25, status(404, ""), outcome{drayhorse.Discarded, 1, "404 Not Found: no", false}},
	{"429", "hook", 25, status(429, strconv.Itoa(int(retryAfter.Seconds()))), outcome{drayhorse.Completed, 2, "429 Too Many Requests", true}},
	{"500", "hook", 25, status(500, ""), outcome{drayhorse.Completed, 2, "500 Internal Server Error: no", true}},
	{"hang", "brief", 25, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, outcome{drayhorse.Completed, 2, "timed out after 5s", true}},
	{"close", "hook", 25, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, outcome{drayhorse.Completed, 2, "EOF", true}},
	{"huge", "hook", 25, huge, outcome{drayhorse.Completed, 1, "", false}},
	{"redirect", "hook", 2, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/", http.StatusTemporaryRedirect)
	}, outcome{drayhorse.Discarded, 2, "169.254.169.254 is a link-local address", false}},
	{"forbidden", "sealed", 1, nil, outcome{drayhorse.Discarded, 1, "127.0.0.1 is a loopback address", false}},
}

func fine(w http.ResponseWriter, r *http.Request) {
	_, _ = fmt.Fprintf(w, `{"id":%q}`, r.Header.Get("Drayhorse-Job-Id"))
}

func status(code int, after string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if after != "" {
			w.Header().Set("Retry-After", after)
		}
		http.Error(w, "no", code)
	}
}

func huge(w http.ResponseWriter, _ *http.Request) {
	for chunk, sent := make([]byte, 1<<20), 0; sent < hugeAnswer; sent += len(chunk) {
		if _, err := w.Write(chunk); err != nil {
			return // as much as was wanted
		}
	}
}

// stub is the server, and what arrived there.
type stub struct {
	*httptest.Server

	arrivals atomic.Int64
	refused  sync.Map // job ID -> when it was answered 429
	hasty    atomic.Int64
	sealed   atomic.Int64 // requests that may not come
}

func newStub(t *testing.T) *stub {
	t.Helper()
	s := &stub{}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *stub) serve(w http.ResponseWriter, r *http.Request) {
	s.arrivals.Add(1)
	if r.URL.Path == "/sealed" {
		s.sealed.Add(1)
	}
	var args struct{ Answer int }
	if err := json.NewDecoder(r.Body).Decode(&args); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	a, id := answers[args.Answer], r.Header.Get("Drayhorse-Job-Id")
	if r.Header.Get("Drayhorse-Attempt") == "1" || a.name == "redirect" {
		s.refused.Store(id, time.Now())
		a.first(w, r)
		return
	}
	if at, ok := s.refused.Load(id); ok && a.name == "429" && time.Since(at.(time.Time)) < retryAfter {
		s.hasty.Add(1)
	}
	fine(w, r)
}

// TestEveryAnswerToAWebhookBecomesWhatItMust imports webhooks that two workers post
// to a server of every bad manner.
func TestEveryAnswerToAWebhookBecomesWhatItMust(t *testing.T) {
	t.Parallel()
	server, n := newStub(t), *webhooks
	url, namespace := redistest.Shared(t), redistest.Namespace(t)
	dir := t.TempDir()
	where := []string{"--redis", url, "--namespace", namespace}
	a, err := admin.New(admin.Config{RedisURL: url, Namespace: namespace})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	began := time.Now()
	file := write(t, dir, "worker.yaml", fmt.Sprintf(hookConfig, server.URL))
	var workers []*clitest.Program
	for range 2 {
		workers = append(workers, start(t, "worker", append(where, "--config", file, "--log-level", "error")...))
	}
	importHooks(t, dir, n, where)
	ended := func() int {
		q, err := a.Queue(t.Context(), drayhorse.DefaultQueue)
		if err != nil {
			return 0
		}
		return q.Completed + q.Discarded
	}
	redistest.Eventually(t, soon+time.Duration(n)*20*time.Millisecond, "all webhooks have ended", func() bool { return ended() == n })
	counts := verifyHooks(t, a, n)
	t.Logf("%d webhooks in %v, %d requests: %v", n, time.Since(began).Round(100*time.Millisecond), server.arrivals.Load(), counts)
	if n := server.hasty.Load(); n > 0 {
		t.Errorf("%d came again before their Retry-After", n)
	}
	if n := server.sealed.Load(); n > 0 {
		t.Errorf("%d requests reached a forbidden address", n)
	}
	for _, w := range workers {
		peak := memory(w.PID())
		t.Logf("a worker's memory at its peak: %d MB", peak>>20)
		if peak == 0 || peak > maxMemory {
			t.Errorf("a worker had %d bytes; want at most %d", peak, maxMemory)
		}
	}
	(&yard{T: t}).stop(workers...)
}

// importHooks imports as many of each answer.
func importHooks(t *testing.T, dir string, n int, where []string) {
	t.Helper()
	var lines strings.Builder
	for i := range n {
		answer := i % len(answers)
		fmt.Fprintf(&lines, `{"kind":%q,"args":{"answer":%d},"id":"%06d","max_attempts":%d,"retain":"1h"}`+"\n",
			answers[answer].kind, answer, i, answers[answer].most)
	}
	file := write(t, dir, "hooks.ndjson", lines.String())
	code, _, stderr := output(t, "producer", append([]string{"import", file}, where...)...)
	if code != 0 || !strings.HasSuffix(stderr, fmt.Sprintf("imported %d, rejected 0\n", n)) {
		t.Fatalf("import: exit %d, %s", code, stderr)
	}
}

// verifyHooks wants each webhook to have become what its answer says, and counts
// them by answer.
func verifyHooks(t *testing.T, a *admin.Admin, n int) map[string]int {
	t.Helper()
	counts, seen, wrong := map[string]int{}, map[string]bool{}, 0
	for filter := (admin.Filter{Limit: admin.MaxLimit}); ; {
		page, err := a.Jobs(t.Context(), filter)
		if err != nil {
			t.Fatal(err)
		}
		for _, j := range page.Jobs {
			i, err := strconv.Atoi(j.ID)
			if err != nil || seen[j.ID] {
				t.Fatalf("job %q: %v, seen before: %v", j.ID, err, seen[j.ID])
			}
			seen[j.ID] = true
			answer := answers[i%len(answers)]
			counts[answer.name]++
			if problem := answer.outcome.check(j); problem != "" {
				t.Errorf("%s: %s: %+v", answer.name, problem, j)
				if wrong++; wrong == 10 {
					t.FailNow()
				}
			}
		}
		if filter.Cursor = page.Next; page.Next == "" {
			break
		}
	}
	if len(seen) != n {
		t.Errorf("%d webhooks are recorded; want %d", len(seen), n)
	}
	return counts
}

// check says what is not as it must be.
func (o *outcome) check(j *drayhorse.Info) string {
	result, last := "", ""
	if o.result {
		result = fmt.Sprintf(`{"id":%q}`, j.ID)
	}
	if len(j.Errors) > 0 {
		last = j.Errors[len(j.Errors)-1].Message
	}
	switch {
	case j.State != o.state:
		return "state"
	case j.Attempt != o.attempt:
		return "attempt"
	case string(j.Result) != result:
		return "result"
	case !strings.Contains(last, o.errors) || (last == "") != (o.errors == ""):
		return "error " + last
	}
	return ""
}

// memory is the most that a process has had, in bytes; 0 if it has ended.
func memory(pid int) int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	var kilobytes int
	_, _ = fmt.Sscan(rest, &kilobytes)
	return kilobytes << 10
}
