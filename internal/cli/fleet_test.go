package cli_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/cli/produce"
	"github.com/drayhorse/drayhorse/internal/cli/schedule"
	"github.com/drayhorse/drayhorse/internal/cli/work"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// fleet is one of each daemon, in this process, on a Redis of their own.
type fleet struct {
	*testing.T
	admin *admin.Admin
	addrs map[string]string // of the metrics of each, by name
	jobs  string            // the URL of the producer
}

const workerConfig = `
queues: {default: 1, mail: 1}
concurrency: 4
limits: [{name: mails, queue: mail, concurrency: 1000, breaker: {rate: 1, min: 1000, window: 1m, cool_down: 1s}}]
handlers:
  fine: {exec: {command: ["true"]}}
  bad: {exec: {command: ["false"]}}
`

// schedulerConfig has as many ticks as are between two times, both included.
const schedulerConfig = `
schedules:
  - {id: beat, every: 1s, kind: fine, queue: mail, catch_up: all, start: %s, end: %s}
`

const ticks = 4

func startFleet(t *testing.T) *fleet {
	t.Helper()
	server := redistest.Start(t)
	namespace := redistest.Namespace(t)
	a, err := admin.New(admin.Config{RedisURL: server.URL, Namespace: namespace})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	f := &fleet{T: t, admin: a, addrs: map[string]string{}}
	common := []string{"--redis", server.URL, "--namespace", namespace, "--log-format", "json", "--metrics", "127.0.0.1:0"}
	run := func(name string, root *cobra.Command, args ...string) *logged {
		log := start(t, root, append(args, common...)...)
		f.addrs[name] = log.addr("serving metrics")
		return log
	}
	f.jobs = "http://" + run("producer", produce.Command(), "serve", "--listen", "127.0.0.1:0").addr("serving jobs")
	run("worker", work.Command(), "--config", file(t, workerConfig))
	first := time.Now().Add(2 * time.Second).UTC()
	last := first.Add((ticks - 1) * time.Second)
	run("scheduler", schedule.Command(), "--config",
		file(t, fmt.Sprintf(schedulerConfig, first.Format(time.RFC3339), last.Format(time.RFC3339))))
	return f
}

func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// logged is what a daemon has logged.
type logged struct {
	*testing.T
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// addr waits for a message, and gives the address that comes with it.
func (l *logged) addr(message string) string {
	l.Helper()
	line := regexp.MustCompile(`"` + message + `".*"addr":"([^"]+)"`)
	var addr string
	redistest.Eventually(l.T, 30*time.Second, message, func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		if m := line.FindStringSubmatch(l.text.String()); m != nil {
			addr = m[1]
		}
		return addr != ""
	})
	return addr
}

// start runs a daemon until the test ends.
func start(t *testing.T, root *cobra.Command, args ...string) *logged {
	t.Helper()
	log := &logged{T: t}
	ctx, cancel := context.WithCancel(context.Background())
	p := cli.Process{
		Args: args, Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: log,
		LookupEnv: func(string) (string, bool) { return "", false },
	}
	done := make(chan int, 1)
	go func() { done <- p.Run(ctx, root) }()
	t.Cleanup(func() {
		cancel()
		if code := <-done; code != cli.ExitOK {
			t.Errorf("%s: exit %d\n%s", root.Name(), code, log.text.String())
		}
	})
	return log
}

// post puts n jobs in, in one batch.
func (f *fleet) post(n int, job map[string]any) {
	f.Helper()
	line, err := json.Marshal(job)
	if err != nil {
		f.Fatal(err)
	}
	body := strings.Repeat(string(line)+"\n", n)
	response, err := http.Post(f.jobs+"/v1/jobs/batch", "application/x-ndjson", strings.NewReader(body))
	if err != nil {
		f.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || strings.Count(string(answer), `"status":201`) != n {
		f.Fatalf("%d %s, %v", response.StatusCode, answer, err)
	}
}

// load puts work in and waits until all of it, and of the schedule, is done.
func (f *fleet) load() {
	f.Helper()
	f.post(150, map[string]any{"kind": "fine"})
	f.post(30, map[string]any{"kind": "bad", "max_attempts": 1})
	f.post(17, map[string]any{"kind": "fine", "queue": "idle"}) // that no worker works on
	f.post(9, map[string]any{"kind": "fine", "queue": "mail", "in": "1h"})
	response, err := http.Post(f.jobs+"/v1/flows", "application/json", strings.NewReader(`{"id":"empty","members":[]}`))
	if err != nil || response.StatusCode != http.StatusCreated {
		f.Fatalf("a batch: %v, %v", response, err)
	}
	_ = response.Body.Close()
	redistest.Eventually(f.T, 60*time.Second, "all is done", func() bool {
		d, mail := f.queue("default"), f.queue("mail")
		return d.Available+d.Running+mail.Available+mail.Running == 0 && d.Totals["completed"] == 150 && mail.Totals["completed"] == ticks
	})
}

func (f *fleet) queue(name string) *admin.Queue {
	f.Helper()
	q, err := f.admin.Queue(f.Context(), name)
	if err != nil {
		f.Fatal(err)
	}
	return q
}
