package produce_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/internal/cli/clitest"
	"github.com/drayhorse/drayhorse/internal/httpapi"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

var (
	hostileTime = flag.Duration("hostile.time", 3*time.Second, "how long TestAHostileHour goes on")
	hostileP99  = flag.Duration("hostile.p99", 5*time.Second, "what 99 of 100 requests of the other token may take; 100ms on a quiet machine")
)

// documentedMemory is what docs/http.md says that the program takes at most.
const documentedMemory = 256e6

// TestAHostileHour has one token send all that the API allows, in every bad manner, while
// another works: that one is served, and soon; the program takes no more memory than is
// documented; and Redis has no key that nobody can remove.
func TestAHostileHour(t *testing.T) {
	redis := redistest.Start(t)
	t.Setenv("GOMEMLIMIT", "200MiB") // as deploy/ has it
	h := &hostile{t: t, tokens: map[string]string{}}
	h.start(redis.URL)
	ctx, stop := context.WithTimeout(t.Context(), time.Second)
	alone := p99(h.work(ctx))
	stop()
	ctx, stop = context.WithCancel(t.Context())
	defer stop()
	worked := make(chan []time.Duration, 1)
	go func() { worked <- h.work(ctx) }()
	h.queueNames(ctx) // alone, so that they are all tried
	h.everything(*hostileTime)
	stop()
	took := <-worked
	memory, took99 := h.peak(), p99(took)
	t.Logf("the other token: 99%% of %d requests within %v, alone within %v, all within %v; %.0f MB; the hostile token was answered %s",
		len(took), took99.Round(time.Millisecond), alone.Round(time.Millisecond), slices.Max(took).Round(time.Millisecond), memory/1e6, h.answered())
	if took99 > *hostileP99 {
		t.Errorf("99%% of the requests of the other token took up to %v; want %v", took99, *hostileP99)
	}
	if memory > documentedMemory {
		t.Errorf("the program took %.0f MB; docs/http.md says %.0f", memory/1e6, documentedMemory/1e6)
	}
	h.keysAreOwned(redis)
}

// p99 is within what 99 of 100 were done.
func p99(took []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(took))
	return sorted[len(sorted)*99/100]
}

// everything is what the hostile token does at once, again and again.
func (h *hostile) everything(howLong time.Duration) {
	ctx, stop := context.WithTimeout(h.t.Context(), howLong)
	defer stop()
	var evil sync.WaitGroup
	for _, manner := range []struct {
		times int
		act   func(context.Context)
	}{
		{1, h.queueNames}, {50, h.wide}, {8, h.deep}, {16, h.idleBatch}, {50, h.halfRequest}, {8, h.largeAnswers}, {4, h.manyLines}, {4, h.unknown},
	} {
		for range manner.times {
			evil.Go(func() {
				for ctx.Err() == nil {
					manner.act(ctx)
				}
			})
		}
	}
	evil.Wait()
}

// hostile is a server, and what is done to it.
type hostile struct {
	next   atomic.Int64 // ID of the other token's jobs
	t      *testing.T
	addr   string
	pid    int
	tokens map[string]string // by name

	mu    sync.Mutex
	codes map[int]int // that the hostile token got
}

func (h *hostile) start(redis string) {
	h.t.Helper()
	dir := h.t.TempDir()
	file := "tokens:\n"
	for _, name := range []string{"evil", "honest"} {
		h.tokens[name] = httpapi.NewToken()
		file += fmt.Sprintf("  - {name: %s, sha256: %q, enqueue: [\"*\"], read: [\"*\"], cancel: [\"*\"]}\n", name, httpapi.HashOf(h.tokens[name]))
	}
	path := filepath.Join(dir, "tokens.yaml")
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		h.t.Fatal(err)
	}
	h.codes = map[int]int{}
	p := clitest.Start(h.t, clitest.Build(h.t, "../../../cmd/producer"), "serve", "--listen", "127.0.0.1:0", "--token-file", path, "--redis", redis)
	h.pid = p.PID()
	redistest.Eventually(h.t, clitest.Within, "it serves", func() bool {
		for line := range strings.Lines(p.Stderr()) {
			var record struct{ Msg, Addr string }
			if json.Unmarshal([]byte(line), &record) == nil && record.Msg == "serving jobs" {
				h.addr = record.Addr
			}
		}
		return h.addr != ""
	})
	if code := h.do(h.t.Context(), "evil", http.MethodPost, "/v1/jobs", "application/json", `{"kind":"k","id":"large","args":"`+strings.Repeat("x", 1<<20-2)+`"}`); code != http.StatusCreated {
		h.t.Fatalf("a large job: %d", code)
	}
}

var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 200}}

// do makes a request, reads its answer and gives its status, 0 if there was none.
func (h *hostile) do(ctx context.Context, token, method, path, contentType, body string) int {
	r, err := http.NewRequestWithContext(ctx, method, "http://"+h.addr+path, strings.NewReader(body))
	if err != nil {
		h.t.Error(err)
		return 0
	}
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("Authorization", "Bearer "+h.tokens[token])
	resp, err := client.Do(r)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	if token == "evil" {
		h.mu.Lock()
		h.codes[resp.StatusCode]++
		h.mu.Unlock()
	}
	return resp.StatusCode
}

func (h *hostile) answered() string { h.mu.Lock(); defer h.mu.Unlock(); return fmt.Sprint(h.codes) }

// work has the other token put jobs in and look at them until ctx ends. It gives how long
// each request took.
func (h *hostile) work(ctx context.Context) (took []time.Duration) {
	for first := true; ctx.Err() == nil || first; first = false {
		i := h.next.Add(1) // an ID is taken for a day
		for _, c := range []struct {
			method, path, body string
			code               int
		}{
			{http.MethodPost, "/v1/jobs", fmt.Sprintf(`{"kind":"k","queue":"work","id":"w%d"}`, i), http.StatusCreated},
			{http.MethodGet, fmt.Sprintf("/v1/jobs/w%d?queue=work", i), "", http.StatusOK},
			{http.MethodDelete, fmt.Sprintf("/v1/jobs/w%d?queue=work", i), "", http.StatusAccepted},
		} {
			begun := time.Now()
			if code := h.do(h.t.Context(), "honest", c.method, c.path, "application/json", c.body); code != c.code {
				h.t.Errorf("%s %s: %d; want %d", c.method, c.path, code, c.code)
			}
			took = append(took, time.Since(begun))
		}
		select { // somebody who works, not another flood
		case <-ctx.Done():
		case <-time.After(5 * time.Millisecond):
		}
	}
	return took
}

// queueNames is a batch of 60,000 names.
func (h *hostile) queueNames(ctx context.Context) {
	var b strings.Builder
	for i := range 60_000 {
		fmt.Fprintf(&b, "{\"kind\":\"k\",\"queue\":\"q%d\"}\n", i)
	}
	h.do(ctx, "evil", http.MethodPost, "/v1/jobs/batch?results=refused", "application/x-ndjson", b.String())
}

var wideBody = sync.OnceValue(func() string {
	var b strings.Builder
	b.WriteString(`{"kind":"k","queue":"wide","args":{"a":1`)
	for i := range 100_000 {
		b.WriteString(`,"` + strconv.FormatInt(int64(i), 36) + `":1`)
	}
	return b.String() + "}}"
})

func (h *hostile) wide(ctx context.Context) {
	h.do(ctx, "evil", http.MethodPost, "/v1/jobs", "application/json", wideBody())
}

func (h *hostile) deep(ctx context.Context) {
	h.do(ctx, "evil", http.MethodPost, "/v1/jobs", "application/json", `{"kind":"k","args":`+strings.Repeat(`[{"a":`, 150_000))
}

// manyLines is a batch of lines that are jobs, and lines that are not.
func (h *hostile) manyLines(ctx context.Context) {
	h.do(ctx, "evil", http.MethodPost, "/v1/jobs/batch?results=refused", "application/x-ndjson", strings.Repeat("{\"kind\":\"k\",\"queue\":\"lines\"}\nbad\n", 5000))
}

// largeAnswers asks for a job of 1 MiB, by a look-up and by its ID.
func (h *hostile) largeAnswers(ctx context.Context) {
	h.do(ctx, "evil", http.MethodGet, "/v1/jobs/large?queue=default", "application/json", "")
	h.do(ctx, "evil", http.MethodPost, "/v1/jobs", "application/json", `{"kind":"k","id":"large"}`)
}

func (h *hostile) unknown(ctx context.Context) {
	h.do(ctx, "nobody", http.MethodPost, "/v1/jobs", "application/json", wideBody())
}

// send opens a connection, sends the beginning of a request, and then rest again and
// again, until the server has enough.
func (h *hostile) send(ctx context.Context, beginning, rest string) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", h.addr)
	if err != nil {
		return
	}
	defer conn.Close()
	ended := make(chan struct{})
	go func() { defer close(ended); _, _ = io.Copy(io.Discard, conn) }()
	_, err = fmt.Fprintf(conn, beginning, h.addr, h.tokens["evil"])
	for tick := time.NewTicker(100 * time.Millisecond); err == nil; {
		select {
		case <-ended:
			return
		case <-ctx.Done():
			_ = conn.Close()
			<-ended
			return
		case <-tick.C:
			_, err = io.WriteString(conn, rest)
		}
	}
}

func (h *hostile) idleBatch(ctx context.Context) {
	h.send(ctx, "POST /v1/jobs/batch HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/x-ndjson\r\nContent-Length: 1000000\r\n\r\n", "\n")
}

// halfRequest declares a body of 1 MB, sends more than counts for small, and then drips.
func (h *hostile) halfRequest(ctx context.Context) {
	h.send(ctx, "POST /v1/jobs HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"+strings.Repeat(" ", 20_000), "x")
}

// peak is the most memory that the server had so far, in bytes.
func (h *hostile) peak() float64 {
	h.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", h.pid))
	if err != nil {
		h.t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	kilobytes, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil {
		h.t.Fatal(err)
	}
	return float64(kilobytes) * 1024
}

// keysAreOwned shows that each key is that of a queue of the registry, or goes by itself.
func (h *hostile) keysAreOwned(server *redistest.Server) {
	h.t.Helper()
	redis := server.Client(h.t)
	queues, err := redis.HGetAll(h.t.Context(), "drayhorse:queues").Result()
	if err != nil || len(queues) > 1000 {
		h.t.Errorf("%d queues, %v; want at most 1,000", len(queues), err)
	}
	keys := 0
	for all := redis.Scan(h.t.Context(), 0, "*", 1000).Iterator(); all.Next(h.t.Context()); keys++ {
		key := all.Val()
		_, tagged, _ := strings.Cut(key, "{")
		queue, _, _ := strings.Cut(tagged, "}")
		if _, known := queues[queue]; known || key == "drayhorse:queues" {
			continue
		}
		if left, err := redis.TTL(h.t.Context(), key).Result(); err != nil || left < 0 {
			h.t.Errorf("key %q is of no queue, and stays: %v, %v", key, left, err)
		}
	}
	h.t.Logf("%d queues, %d keys", len(queues), keys)
}
