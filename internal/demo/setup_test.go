package demo

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/goleak"

	"github.com/drayhorse/drayhorse/internal/cli/clitest"
	"github.com/drayhorse/drayhorse/internal/cli/produce"
	"github.com/drayhorse/drayhorse/internal/cli/schedule"
	"github.com/drayhorse/drayhorse/internal/cli/work"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// binaries is the directory of the programs.
var binaries string

// commands are the programs of a demo. They are built as make builds them; naming
// their code here makes the cached result of a test depend on it.
var commands = []func() *cobra.Command{Command, produce.Command, work.Command, schedule.Command}

func TestMain(m *testing.M) {
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runTests(m *testing.M) (code int, err error) {
	if err := flag.Set("test.parallel", "12"); err != nil { // demos mostly wait for a rescue
		return 0, err
	}
	if binaries, err = os.MkdirTemp("", "demo-bin-"); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(binaries)) }()
	if err := clitest.BuildInto(binaries, "../../cmd/..."); err != nil {
		return 0, err
	}
	for _, command := range commands[1:] {
		if _, err := os.Stat(filepath.Join(binaries, command().Name())); err != nil {
			return 0, err
		}
	}
	if code = m.Run(); code == 0 {
		err = goleak.Find()
	}
	return code, err
}

// trial is a demo in a process of its own. Whatever it starts has the directory root
// in its command line or its files there.
type trial struct {
	*testing.T

	root   string
	cmd    *exec.Cmd
	stdout output
	stderr output
	exited chan struct{}
}

// output is what a process writes, readable meanwhile.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// setup prepares a demo of few files.
func setup(t *testing.T, args ...string) *trial {
	t.Helper()
	t.Parallel()
	root, err := os.MkdirTemp("", "demo-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	r := &trial{T: t, root: root, exited: make(chan struct{})}
	r.cmd = exec.Command(filepath.Join(binaries, "drayhorse"), append([]string{"demo", "--concurrency", "8"}, args...)...)
	temp := filepath.Join(root, "tmp")
	if err := os.Mkdir(temp, 0o700); err != nil {
		t.Fatal(err)
	}
	r.cmd.Env = append(os.Environ(), "TMPDIR="+temp)
	r.cmd.Stdout, r.cmd.Stderr = &r.stdout, &r.stderr
	return r
}

// ownFiles lets the demo digest files that are made for it.
func (r *trial) ownFiles() {
	const n = 3000
	r.Helper()
	dir := filepath.Join(r.root, "files")
	if err := os.Mkdir(dir, 0o700); err != nil {
		r.Fatal(err)
	}
	for i := range n {
		name := filepath.Join(dir, fmt.Sprintf("file %d.txt", i))
		if err := os.WriteFile(name, bytes.Repeat([]byte{byte(i)}, i), 0o600); err != nil {
			r.Fatal(err)
		}
	}
	r.cmd.Args = append(r.cmd.Args, "--dir", dir)
}

func (r *trial) start() {
	r.Helper()
	if err := r.cmd.Start(); err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() {
		_ = r.cmd.Process.Kill() // mostly it has ended
		<-r.exited
	})
	go func() {
		defer close(r.exited)
		_ = r.cmd.Wait() // the state says it
	}()
}

// exit waits for the end of the demo and gives its exit code, -1 after a signal.
func (r *trial) exit() int {
	r.Helper()
	select {
	case <-r.exited:
	case <-time.After(redistest.Stretch * time.Minute):
		r.Fatalf("the demo does not end:\n%s%s", &r.stdout, &r.stderr)
	}
	r.Logf("%v\n%s%s", r.cmd.Args[1:], &r.stdout, &r.stderr)
	return r.cmd.ProcessState.ExitCode()
}

// awaitLine waits until the demo has written a line with the text, and gives it.
func (r *trial) awaitLine(text string) string {
	r.Helper()
	var found string
	r.await("a line with "+text, func() bool {
		for row := range strings.Lines(r.stdout.String()) {
			if strings.Contains(row, text) && strings.HasSuffix(row, "\n") {
				found = row
			}
		}
		return found != ""
	})
	return found
}

// await waits for a fact. A demo that has ended does not bring it about any more.
func (r *trial) await(what string, fact func() bool) {
	r.Helper()
	err := until(r.Context(), redistest.Stretch*time.Minute, what, func() (bool, error) {
		select {
		case <-r.exited:
			if !fact() {
				return false, fmt.Errorf("the demo ended (%v) before %s", r.cmd.ProcessState, what)
			}
			return true, nil
		default:
			return fact(), nil
		}
	})
	if err != nil {
		r.Fatalf("%v:\n%s%s", err, &r.stdout, &r.stderr)
	}
}

// left is what runs of the demo, by command line. Only systems with /proc tell.
func (r *trial) left() []string {
	r.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		r.Fatal(err)
	}
	var left []string
	for _, file := range files {
		command, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			continue // it has just ended
		}
		if bytes.Contains(command, []byte(r.root)) {
			left = append(left, strings.ReplaceAll(string(command), "\x00", " "))
		}
	}
	return left
}

// leftNothing checks that the demo, which has ended, left no process and no file.
func (r *trial) leftNothing() {
	r.Helper()
	if left := r.left(); len(left) > 0 {
		r.Errorf("processes are left:\n%s", strings.Join(left, "\n"))
	}
	files, err := os.ReadDir(filepath.Join(r.root, "tmp"))
	if err != nil || len(files) > 0 {
		r.Errorf("files are left: %v, %v", files, err)
	}
}
