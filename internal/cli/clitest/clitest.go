// Package clitest builds and runs the programs for tests of what only a process
// shows: signals, exit codes and streams.
package clitest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// BuildInto builds programs into a directory as they ship, without cgo, and so that
// all tests share what the compiler made.
func BuildInto(dir string, packages ...string) error {
	build := exec.Command("go", append([]string{"build", "-o", dir + "/"}, packages...)...) //nolint:gosec,noctx // tests choose them, and wait
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

// Build builds a program and gives its path.
func Build(tb testing.TB, pkg string) string {
	tb.Helper()
	dir := tb.TempDir()
	if err := BuildInto(dir, pkg); err != nil {
		tb.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		tb.Fatal(err)
	}
	return filepath.Join(dir, files[0].Name())
}

// Program is a running program. It ends with its test.
type Program struct {
	Stdin io.WriteCloser

	tb     testing.TB
	cmd    *exec.Cmd
	reads  sync.WaitGroup
	exited bool

	mu             sync.Mutex
	stdout, stderr strings.Builder
}

// Start starts a program, without any DRAYHORSE variable.
func Start(tb testing.TB, path string, args ...string) *Program {
	tb.Helper()
	cmd := exec.CommandContext(tb.Context(), path, args...) //nolint:gosec // a test chooses them
	p := &Program{tb: tb, cmd: cmd}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "DRAYHORSE_") {
			p.cmd.Env = append(p.cmd.Env, v)
		}
	}
	stdin, err1 := p.cmd.StdinPipe()
	stdout, err2 := p.cmd.StdoutPipe()
	stderr, err3 := p.cmd.StderrPipe()
	if err := errors.Join(err1, err2, err3, p.cmd.Start()); err != nil {
		tb.Fatal(err)
	}
	p.Stdin = stdin
	p.reads.Go(func() { p.read(stdout, &p.stdout) })
	p.reads.Go(func() { p.read(stderr, &p.stderr) })
	tb.Cleanup(func() {
		if !p.exited {
			_ = p.cmd.Process.Kill()
			p.Wait()
		}
	})
	return p
}

func (p *Program) read(from io.Reader, to *strings.Builder) {
	for lines := bufio.NewScanner(from); lines.Scan(); {
		p.mu.Lock()
		to.WriteString(lines.Text() + "\n")
		p.mu.Unlock()
	}
}

// PID is the process's ID.
func (p *Program) PID() int { return p.cmd.Process.Pid }

// Stdout gives what the program has written there.
func (p *Program) Stdout() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stdout.String()
}

// Stderr gives what the program has written there.
func (p *Program) Stderr() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.String()
}

// Signal sends the program a signal.
func (p *Program) Signal(s os.Signal) {
	p.tb.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.tb.Fatal(err)
	}
}

// SignalUntilItEnds sends the program a signal again and again: those that come close to
// the first may count as one.
func (p *Program) SignalUntilItEnds(s os.Signal) {
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	ended := make(chan struct{})
	go func() { p.reads.Wait(); close(ended) }()
	for {
		_ = p.cmd.Process.Signal(s) // it may have ended
		select {
		case <-ended:
			return
		case <-ticker.C:
		}
	}
}

// Wait waits for the end of the program and gives its exit code; -1 if a signal
// killed it.
func (p *Program) Wait() int {
	p.reads.Wait()
	_ = p.cmd.Wait()
	p.exited = true
	return p.cmd.ProcessState.ExitCode()
}

// Within is how long a test waits for what a program is to do.
const Within = 20 * time.Second
