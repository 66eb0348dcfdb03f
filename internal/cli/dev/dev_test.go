package dev_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/cli/dev"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// started is a dev command that runs.
type started struct {
	t     *testing.T
	lines *bufio.Scanner
	stop  context.CancelFunc
	ended chan int
}

// start runs the command until the test ends or stop is called.
func start(t *testing.T, config string, args ...string) *started {
	t.Helper()
	file := filepath.Join(t.TempDir(), "dev.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	out, in := io.Pipe()
	p := cli.Process{
		Args: append([]string{"--config", file}, args...), Stdin: strings.NewReader(""), Stdout: in, Stderr: t.Output(),
		LookupEnv: func(string) (string, bool) { return "", false },
	}
	s := &started{t: t, lines: bufio.NewScanner(out), stop: stop, ended: make(chan int, 1)}
	go func() {
		s.ended <- p.Run(ctx, dev.Command())
		_ = in.Close()
	}()
	t.Cleanup(func() {
		stop()
		if code := <-s.ended; code != 0 {
			t.Errorf("exit %d", code)
		}
	})
	return s
}

// says reads lines until one matches, and gives what its group matched.
func (s *started) says(pattern string) string {
	s.t.Helper()
	for s.lines.Scan() {
		if m := regexp.MustCompile(pattern).FindStringSubmatch(s.lines.Text()); m != nil {
			return m[1]
		}
	}
	s.t.Fatalf("it does not say %s", pattern)
	return ""
}

// TestEverythingIsInOneProcess: a job comes over HTTP, another by a schedule, and the
// worker does both; the line to paste leads to them.
func TestEverythingIsInOneProcess(t *testing.T) {
	t.Parallel()
	s := start(t, `
handlers: {greet: {exec: {command: [echo, "hello {{name}}"]}}}
schedules: [{id: often, every: 1s, kind: greet, args: {name: tick}, retain: 1h}]
`, "--listen", "127.0.0.1:0", "--api", "127.0.0.1:0", "--ui", "127.0.0.1:0")
	api := s.says(`^http api: +(http://127\.0\.0\.1:\d+/v1/jobs)$`)
	board := s.says(`^dashboard: +(http://127\.0\.0\.1:\d+/)$`)
	if served := s.says(`^worker: +(.*)$`); served != "runs greet" {
		t.Errorf("worker: %s", served)
	}
	url := s.says(`^  export DRAYHORSE_REDIS_URL=(redis://127\.0\.0\.1:\d+/0)$`)
	resp, err := http.Post(api, "application/json", strings.NewReader(`{"kind":"greet","args":{"name":"http"},"id":"a","retain":"1h"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var accepted drayhorse.Info
	if err := json.NewDecoder(resp.Body).Decode(&accepted); err != nil || resp.StatusCode != http.StatusCreated {
		t.Fatalf("%s, %v", resp.Status, err)
	}
	p, err := producer.New(producer.Config{RedisURL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	redistest.Eventually(t, 30*time.Second, "the job is done", func() bool {
		info, err := p.Get(t.Context(), "a")
		return err == nil && string(info.Result) == `"hello http\n"`
	})
	page, err := http.Get(board + "schedules")
	if err != nil {
		t.Fatal(err)
	}
	defer page.Body.Close()
	if text, _ := io.ReadAll(page.Body); page.StatusCode != http.StatusOK || !strings.Contains(string(text), "often") {
		t.Errorf("%s; want the page of the schedule", page.Status)
	}
	redistest.Eventually(t, 30*time.Second, "a tick has its job", func() bool {
		for at, back := time.Now().Truncate(time.Second), 0; back < 60; at, back = at.Add(-time.Second), back+1 {
			if info, err := p.Get(t.Context(), "often@"+strconv.FormatInt(at.UnixMilli(), 10)); err == nil {
				return string(info.Result) == `"hello tick\n"`
			}
		}
		return false
	})
}

// TestUsualPortsThatAreTaken: where another server has them, free ones are found.
func TestUsualPortsThatAreTaken(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"127.0.0.1:6379", "127.0.0.1:8080", "127.0.0.1:7080"} {
		if l, err := net.Listen("tcp", addr); err == nil { // or somebody else has it
			defer l.Close()
		}
	}
	s := start(t, "")
	if said := s.says(`^embedded redis: redis://127\.0\.0\.1:\d+/0 \(nothing is kept when it ends(.*)\)$`); said != "; 127.0.0.1:6379 is taken" {
		t.Errorf("it says %q", said)
	}
	if port := s.says(`^http api: +http://127\.0\.0\.1:(\d+)/`); port == "8080" {
		t.Error("two programs on one port")
	}
	if port := s.says(`^dashboard: +http://127\.0\.0\.1:(\d+)/`); port == "7080" {
		t.Error("two programs on one port")
	}
	if served := s.says(`^worker: +(.*)$`); served != "none: the config file has no handlers" {
		t.Errorf("worker: %s", served)
	}
}

func TestWrongSettings(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"--api 0.0.0.0:8080":             `api "0.0.0.0:8080": it asks for no token`,
		"--api 8080":                     `api "8080"`,
		"--ui :7080":                     `ui ":7080": the dashboard has no login`,
		"--listen 127.0.0.1":             `listen "127.0.0.1"`,
		"--namespace a/b --print-config": `"a/b"`,
		"--redis redis://x":              `--redis`,
	} {
		var stderr strings.Builder
		p := cli.Process{
			Args: strings.Fields(args), Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: &stderr,
			LookupEnv: func(string) (string, bool) { return "", false },
		}
		if code := p.Run(t.Context(), dev.Command()); code != 2 || !strings.Contains(stderr.String(), want) {
			t.Errorf("%s: exit %d, %q; want %q", args, code, stderr.String(), want)
		}
	}
}
