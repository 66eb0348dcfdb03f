//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/cli/clitest"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/worker"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// config has a handler whose runs end with their worker, or when their file is
// there.
const config = `
handlers:
  wait:
    exec: {command: [sh, -c, 'touch "$1.begun"; while [ ! -e "$1" ] && kill -0 $PPID; do sleep 0.02; done; echo done', sh, '{{file}}']}
`

// stage is a program that runs, and a producer for it.
type stage struct {
	t    *testing.T
	jobs *producer.Producer
	prog *clitest.Program
	dir  string
}

func start(t *testing.T, path string, args ...string) *stage {
	t.Helper()
	s := &stage{t: t, dir: t.TempDir()}
	url, namespace := redistest.Shared(t), redistest.Namespace(t)
	var err error
	if s.jobs, err = producer.New(producer.Config{RedisURL: url, Namespace: namespace}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.jobs.Close() })
	file := filepath.Join(s.dir, "worker.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	s.prog = clitest.Start(t, path, append(args, "--redis", url, "--namespace", namespace, "--config", file)...)
	s.eventually("the worker has started", func() bool { return strings.Contains(s.prog.Stderr(), "worker started") })
	return s
}

func (s *stage) eventually(what string, fact func() bool) {
	s.t.Helper()
	redistest.Eventually(s.t, clitest.Within, what, fact)
}

// enqueue puts a job in that runs until its file is there.
func (s *stage) enqueue(id string) {
	s.t.Helper()
	args := json.RawMessage(fmt.Sprintf(`{"file":%q}`, filepath.Join(s.dir, id)))
	if _, err := s.jobs.EnqueueRaw(s.t.Context(), "wait", args, drayhorse.ID(id), drayhorse.Retain(1e12)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) get(id string) *drayhorse.Info {
	s.t.Helper()
	info, err := s.jobs.Get(s.t.Context(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	return info
}

// becomes waits until job a is in a state.
func (s *stage) becomes(want drayhorse.State) {
	s.t.Helper()
	s.eventually("a is "+string(want), func() bool { return s.get("a").State == want })
}

// begins waits until job a has begun: one that a worker has claimed may not have, and is handed back then.
func (s *stage) begins() {
	s.t.Helper()
	s.eventually("a has begun", func() bool {
		_, err := os.Stat(filepath.Join(s.dir, "a.begun"))
		return err == nil
	})
}

func (s *stage) release(id string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, id), nil, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func TestWorkerAndItsSignals(t *testing.T) {
	t.Parallel()
	path := clitest.Build(t, ".")
	t.Run("SIGTERM waits for running jobs", func(t *testing.T) {
		t.Parallel()
		s := start(t, path)
		s.enqueue("a")
		s.begins()
		s.prog.Signal(syscall.SIGTERM)
		s.release("a")
		if code := s.prog.Wait(); code != 0 {
			t.Errorf("exit %d: %s", code, s.prog.Stderr())
		}
		if a := s.get("a"); a.State != drayhorse.Completed || string(a.Result) != `"done\n"` {
			t.Errorf("got %+v", a)
		}
	})
	t.Run("SIGINT hands back what takes too long", func(t *testing.T) {
		t.Parallel()
		s := start(t, path, "--shutdown-timeout", "0s")
		s.enqueue("a")
		s.begins()
		begin := time.Now()
		s.prog.Signal(syscall.SIGINT)
		if code, took := s.prog.Wait(), time.Since(begin); code != 0 || took > worker.DefaultShutdownTimeout/2 {
			t.Errorf("exit %d after %v: %s", code, took, s.prog.Stderr())
		}
		if a := s.get("a"); a.State != drayhorse.Available || a.Attempt != 1 || len(a.Errors) != 0 {
			t.Errorf("got %+v; want it available with no attempt consumed", a)
		}
	})
	t.Run("a second signal ends it at once", func(t *testing.T) {
		t.Parallel()
		s := start(t, path)
		s.enqueue("a")
		s.begins()
		s.prog.Signal(syscall.SIGTERM)
		s.prog.SignalUntilItEnds(syscall.SIGINT) // those of the first moment count as one
		second := regexp.MustCompile(`worker: ended at once by a second signal: (interrupt|terminated)\n$`)
		if code := s.prog.Wait(); code != 1 || !second.MatchString(s.prog.Stderr()) {
			t.Errorf("exit %d: %s", code, s.prog.Stderr())
		}
	})
	t.Run("SIGTSTP makes it quiet", func(t *testing.T) {
		t.Parallel()
		s := start(t, path, "--metrics", "127.0.0.1:0")
		addr := regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(s.prog.Stderr())
		s.enqueue("a")
		s.begins()
		if code := ask(t, "http://"+addr+"/readyz"); code != http.StatusOK {
			t.Errorf("/readyz: %d before", code)
		}
		s.prog.Signal(syscall.SIGTSTP)
		s.eventually("the worker is not ready", func() bool { return ask(t, "http://"+addr+"/readyz") == http.StatusServiceUnavailable })
		s.enqueue("b")
		s.release("a")
		s.becomes(drayhorse.Completed)
		s.prog.Signal(syscall.SIGTERM)
		if code := s.prog.Wait(); code != 0 {
			t.Errorf("exit %d: %s", code, s.prog.Stderr())
		}
		if b := s.get("b"); b.State != drayhorse.Available {
			t.Errorf("b is %s; want it available", b.State)
		}
	})
}

func ask(t *testing.T, url string) int {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}
