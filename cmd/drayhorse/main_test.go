//go:build unix

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli/clitest"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// program is the built program and the dev server that it is used on.
type program struct{ path, url string }

// run runs a command to its end and wants it to succeed.
func (p *program) run(t *testing.T, args ...string) string {
	t.Helper()
	prog := clitest.Start(t, p.path, append(args, "--redis", p.url)...)
	if code := prog.Wait(); code != 0 {
		t.Fatalf("%v: exit %d: %s", args, code, prog.Stderr())
	}
	return prog.Stdout()
}

func TestDevIsAllThatTheVerbsNeed(t *testing.T) {
	t.Parallel()
	config := filepath.Join(t.TempDir(), "dev.yaml")
	if err := os.WriteFile(config, []byte(`handlers: {greet: {exec: {command: [echo, "hello {{name}}"]}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &program{path: clitest.Build(t, ".")}
	dev := clitest.Start(t, p.path, "dev", "--config", config, "--listen", "127.0.0.1:0", "--api", "127.0.0.1:0")
	redistest.Eventually(t, clitest.Within, "dev says where its server is", func() bool {
		p.url = regexp.MustCompile(`redis://127\.0\.0\.1:\d+/0`).FindString(dev.Stdout())
		return p.url != ""
	})
	if !strings.Contains(dev.Stdout(), "nothing is kept") {
		t.Errorf("dev says %q", dev.Stdout())
	}
	var info drayhorse.Info
	out := p.run(t, "producer", "enqueue", "--kind", "greet", "--args", `{"name":"you"}`, "--id", "a", "--wait", "--json")
	if err := json.Unmarshal([]byte(out), &info); err != nil || string(info.Result) != `"hello you\n"` {
		t.Errorf("got %s, %v", out, err)
	}
	if out := p.run(t, "jobs", "list", "--state", "completed"); !regexp.MustCompile(`(?m)^a +greet +default +completed +1/25 `).MatchString(out) {
		t.Errorf("got %s", out)
	}
	p.run(t, "queues", "pause", "default")
	var queues []admin.Queue
	if err := json.Unmarshal([]byte(p.run(t, "queues", "list", "--json")), &queues); err != nil || len(queues) != 1 || !queues[0].Paused || queues[0].Completed != 1 {
		t.Errorf("got %+v, %v", queues, err)
	}
	dev.Signal(syscall.SIGTERM)
	if code := dev.Wait(); code != 0 {
		t.Errorf("exit %d: %s", code, dev.Stderr())
	}
}

// TestNamesOfTheFile: links to the one file are the other programs, as in the image and in
// the archives of a release.
func TestNamesOfTheFile(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"/usr/bin/worker": "worker", "scheduler": "scheduler", "./producer": "producer", "producer.exe": "producer",
		"drayhorse": "drayhorse", "drayhorse-v1.2.3": "drayhorse", "": "drayhorse",
	} {
		if got := command(name).Name(); got != want {
			t.Errorf("%q is %s, want %s", name, got, want)
		}
	}
}
