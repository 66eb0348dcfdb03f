package daemons

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/cli/clitest"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
)

// bench is a worker with handlers, and a way to give it jobs.
type bench struct {
	*testing.T

	url, namespace string
	jobs           *producer.Producer
	worker         *clitest.Program
}

// newBench starts a worker with a config file, and waits until it can work.
func newBench(t *testing.T, config string, args ...string) *bench {
	t.Helper()
	return newBenchAs(t, nil, config, args...)
}

// newBenchAs has the worker run by a program that becomes it.
func newBenchAs(t *testing.T, wrap []string, config string, args ...string) *bench {
	t.Helper()
	b := &bench{T: t, url: redistest.Shared(t), namespace: redistest.Namespace(t)}
	var err error
	if b.jobs, err = producer.New(producer.Config{RedisURL: b.url, Namespace: b.namespace}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.jobs.Close() })
	file := filepath.Join(t.TempDir(), "worker.yaml")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	command := append(slices.Clone(wrap), filepath.Join(bin(t), "worker"), "--redis", b.url, "--namespace", b.namespace, "--config", file)
	program, err := exec.LookPath(command[0])
	if err != nil {
		t.Fatal(err)
	}
	b.worker = clitest.Start(t, program, append(command[1:], args...)...)
	return b
}

func (b *bench) enqueue(kind string, args any, options ...drayhorse.Option) string {
	b.Helper()
	encoded, err := json.Marshal(args)
	if err != nil {
		b.Fatal(err)
	}
	info, err := b.jobs.EnqueueRaw(b.Context(), kind, encoded, append(options, drayhorse.Retain(time.Hour))...)
	if err != nil {
		b.Fatal(err)
	}
	return info.ID
}

// await waits until a job is in a state.
func (b *bench) await(id string, state drayhorse.State) *drayhorse.Info {
	b.Helper()
	var info *drayhorse.Info
	redistest.Eventually(b.T, soon, fmt.Sprintf("job %s is %s", id, state), func() bool {
		var err error
		info, err = b.jobs.Get(context.WithoutCancel(b.Context()), id)
		return err == nil && info.State == state
	})
	return info
}

// TestTwoSignalsOfAMomentStopInOrder: a job that runs is finished, once.
func TestTwoSignalsOfAMomentStopInOrder(t *testing.T) {
	t.Parallel()
	for name, again := range map[string]syscall.Signal{"SIGTERM": syscall.SIGTERM, "SIGINT": syscall.SIGINT} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := filepath.Join(t.TempDir(), "began")
			b := newBench(t, `concurrency: 2
handlers:
  sl: {exec: {command: ["sh", "-c", "echo x >> \"$1\"; sleep 2; echo fine", "sh", "{{began}}"], env: [PATH]}}
`, "--log-format", "console")
			id := b.enqueue("sl", map[string]string{"began": began})
			redistest.Eventually(t, soon, "the job runs", func() bool { _, err := os.Stat(began); return err == nil })
			b.worker.Signal(syscall.SIGTERM)
			b.worker.Signal(again)
			if code := b.worker.Wait(); code != 0 {
				t.Errorf("exit %d: %s", code, b.worker.Stderr())
			}
			if info := b.await(id, drayhorse.Completed); info.Attempt != 1 || info.Rescues != 0 {
				t.Errorf("got %+v", info)
			}
			if lines, err := os.ReadFile(began); err != nil || string(lines) != "x\n" {
				t.Errorf("began %q, %v; want once", lines, err)
			}
			const want = "stopping: waiting up to 25s for 1 job; another signal ends at once\n"
			if n := strings.Count(b.worker.Stderr(), want); n != 1 {
				t.Errorf("said %d times what it waits for: %s", n, b.worker.Stderr())
			}
		})
	}
}

// TestASecondSignalEndsAtOnce, once half a second is over.
func TestASecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	began := filepath.Join(t.TempDir(), "began")
	b := newBench(t, `handlers:
  sl: {exec: {command: ["sh", "-c", "echo x >> \"$1\"; sleep 600", "sh", "{{began}}"], env: [PATH]}}
`, "--log-format", "json")
	b.enqueue("sl", map[string]string{"began": began})
	redistest.Eventually(t, soon, "the job runs", func() bool { _, err := os.Stat(began); return err == nil })
	b.worker.Signal(syscall.SIGTERM)
	redistest.Eventually(t, soon, "it says what it waits for", func() bool {
		return strings.Contains(b.worker.Stderr(), `"msg":"stopping; another signal ends at once","wait":"waiting up to 25s for 1 job"`)
	})
	<-time.After(600 * time.Millisecond) // what makes it another signal
	b.worker.Signal(syscall.SIGTERM)
	if code := b.worker.Wait(); code != 1 || !strings.Contains(b.worker.Stderr(), "worker: ended at once by a second signal: terminated\n") {
		t.Errorf("exit %d: %s", code, b.worker.Stderr())
	}
}

// TestEachProgramSaysHowItStops, and does so at a signal.
func TestEachProgramSaysHowItStops(t *testing.T) {
	t.Parallel()
	url, namespace := redistest.Shared(t), redistest.Namespace(t)
	for name, c := range map[string]struct {
		program []string
		ready   string
		want    string
		code    int
	}{
		"scheduler":           {[]string{"scheduler"}, "", "stopping: handing over", 0},
		"serve":               {[]string{"producer", "serve", "--listen", "127.0.0.1:0"}, "serving", "stopping: waiting up to 25s for the requests under way", 0},
		"worker of drayhorse": {[]string{"drayhorse", "dev"}, "embedded redis", "", 0},
		"wait":                {[]string{"producer", "enqueue", "--kind", "nobody", "--wait"}, "", "interrupted by signal: terminated; job", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, help, _ := output(t, c.program[0], append(append([]string{}, c.program[1:]...), "--help")...)
			if name != "wait" && !strings.Contains(help, "half a second later or more") && !strings.Contains(help, "signal, half a second later or more") {
				t.Errorf("--help does not say what a second signal does:\n%s", help)
			}
			args := append(append([]string{}, c.program[1:]...), "--log-format", "console", "--log-level", "debug")
			if name != "worker of drayhorse" {
				args = append(args, "--redis", url, "--namespace", namespace)
			}
			p := start(t, c.program[0], args...)
			redistest.Eventually(t, soon, "it runs", func() bool {
				said := p.Stdout() + p.Stderr()
				return said != "" && strings.Contains(said, c.ready)
			})
			p.Signal(syscall.SIGTERM)
			p.Signal(syscall.SIGTERM)
			if code := p.Wait(); code != c.code || !strings.Contains(p.Stderr(), c.want) {
				t.Errorf("exit %d: %s", code, p.Stderr())
			}
		})
	}
}
