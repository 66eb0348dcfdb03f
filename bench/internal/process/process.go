// Package process starts the programs that a benchmark needs and says what they cost.
package process

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Process is a child that dies with this program.
type Process struct {
	Cmd *exec.Cmd
	In  io.WriteCloser
	Out *bufio.Scanner // its standard output, by lines

	once sync.Once
	err  error
}

// Start runs a command. Its standard error is that of this program, unless the
// command has one.
func Start(cmd *exec.Cmd) (*Process, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	dieWithParent(cmd.SysProcAttr)
	if cmd.Stderr == nil {
		cmd.Stderr = os.Stderr
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p := &Process{Cmd: cmd, In: in, Out: bufio.NewScanner(out)}
	p.Out.Buffer(nil, 16<<20)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	return p, nil
}

// Role runs this program again in another role: the first line that it prints says
// that it is ready, and where. It ends when its standard input does; before that first
// line also when ctx does.
func Role(ctx context.Context, name string, args ...string) (*Process, string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, "", err
	}
	p, err := Start(exec.Command(self, append([]string{"-role", name}, args...)...)) //nolint:gosec,noctx // this very program
	if err != nil {
		return nil, "", err
	}
	unwatch := context.AfterFunc(ctx, func() { _ = p.Cmd.Process.Kill() })
	defer unwatch()
	line, err := p.Line()
	if err != nil {
		p.Kill()
		return nil, "", fmt.Errorf("role %s: %w", name, err)
	}
	return p, line, nil
}

// Line is the next line that the process prints.
func (p *Process) Line() (string, error) {
	if p.Out.Scan() {
		return p.Out.Text(), nil
	}
	return "", errors.Join(errors.New("it ended without a word"), p.Out.Err(), p.Wait())
}

// Wait waits for the end.
func (p *Process) Wait() error {
	p.once.Do(func() { p.err = p.Cmd.Wait() })
	return p.err
}

// Kill ends the process at once.
func (p *Process) Kill() {
	_ = p.Cmd.Process.Kill()
	_ = p.Wait()
}

// End closes the standard input and waits; after a while it kills.
func (p *Process) End() {
	_ = p.In.Close()
	timer := time.AfterFunc(10*time.Second, func() { _ = p.Cmd.Process.Kill() })
	defer timer.Stop()
	for p.Out.Scan() { // what is left would keep it from ending
	}
	_ = p.Wait()
}

// Stop asks the process to end by a signal and waits; after a while it kills.
func (p *Process) Stop(sig os.Signal) {
	_ = p.Cmd.Process.Signal(sig)
	p.End()
}

// FreePort finds a port of the loopback that nobody listens on.
func FreePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it does not block
	if err != nil {
		return "", err
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

// Installed says why a program cannot be run; nil if it can.
func Installed(program, from string) error {
	if _, err := exec.LookPath(program); err != nil {
		return fmt.Errorf("%s is not installed (%s)", program, strings.TrimSpace(from))
	}
	return nil
}
