// Package clitest builds and runs the programs for tests of what only a process
// shows: signals, exit codes and streams.
package clitest

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/internal/logtest"
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

	tb    testing.TB
	cmd   *exec.Cmd
	ended chan struct{}

	stdout, stderr logtest.Buffer
}

// Start starts a program, without any DRAYHORSE variable.
func Start(tb testing.TB, path string, args ...string) *Program {
	tb.Helper()
	cmd := exec.CommandContext(tb.Context(), path, args...) //nolint:gosec // a test chooses them
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "DRAYHORSE_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	return Run(tb, cmd)
}

// Run starts a command, and reads what it writes until it ends: one that nobody reads
// stands still once a pipe is full. If the test fails, its log has what the command wrote
// to its standard error.
func Run(tb testing.TB, cmd *exec.Cmd) *Program {
	tb.Helper()
	p := &Program{tb: tb, cmd: cmd, ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.stdout, &p.stderr
	cmd.WaitDelay = Within // for what its children have open
	var err error
	if p.Stdin, err = cmd.StdinPipe(); err != nil {
		tb.Fatal(err)
	}
	if err = cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	go func() {
		_ = cmd.Wait() // the state says it
		close(p.ended)
	}()
	tb.Cleanup(func() {
		p.Kill()
		if tb.Failed() {
			tb.Logf("%s, which ended by %v, wrote:\n%s", strings.Join(cmd.Args, " "), cmd.ProcessState, p.Stderr())
		}
	})
	return p
}

// PID is the process's ID.
func (p *Program) PID() int { return p.cmd.Process.Pid }

// Stdout gives the lines that the program has written there.
func (p *Program) Stdout() string { return p.lines(&p.stdout) }

// Stderr gives the lines that the program has written there.
func (p *Program) Stderr() string { return p.lines(&p.stderr) }

// lines are those that are whole, and what a program that has ended wrote last.
func (p *Program) lines(b *logtest.Buffer) string {
	ended := p.Ended()
	text := b.String()
	if ended {
		return text
	}
	return text[:strings.LastIndexByte(text, '\n')+1]
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
	for {
		_ = p.cmd.Process.Signal(s) // it may have ended
		select {
		case <-p.ended:
			return
		case <-ticker.C:
		}
	}
}

// Kill ends the program at once, if it has not ended.
func (p *Program) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// Wait waits for the end of the program and gives its exit code; -1 if a signal
// killed it.
func (p *Program) Wait() int {
	<-p.ended
	return p.cmd.ProcessState.ExitCode()
}

// Ended says whether the program has ended.
func (p *Program) Ended() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// Within is how long a test waits for what a program is to do.
const Within = 20 * time.Second
