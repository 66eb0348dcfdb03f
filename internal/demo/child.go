package demo

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// stopTimeout is how long processes may take to end when they are asked to.
const stopTimeout = 5 * time.Second

// child is a process of the demo. Its methods are for one goroutine.
type child struct {
	name   string
	cmd    *exec.Cmd
	log    string        // the file with all that it writes
	ending bool          // the demo has ended it
	exited chan struct{} // closed when it has ended
	err    error         // how, after exited
}

func startChild(name, log string, argv []string) (*child, error) {
	f, err := os.Create(log) //nolint:gosec // in the directory of the stage
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()          // the process has its own
	cmd := exec.Command(argv[0], argv[1:]...) //nolint:gosec,noctx // programs that the demo has found; stage.close ends them
	cmd.Env, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = environment(), f, f, attributes()
	c := &child{name: name, cmd: cmd, log: log, exited: make(chan struct{})}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(c.exited)
		c.err = cmd.Wait()
	}()
	return c, nil
}

// environment is the demo's own without settings of programs, which are given by
// flags alone.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool {
		return strings.HasPrefix(variable, "DRAYHORSE_")
	})
}

func (c *child) pid() int { return c.cmd.Process.Pid }

func (c *child) hasExited() bool {
	select {
	case <-c.exited:
		return true
	default:
		return false
	}
}

// check reports that the process failed, with its last words.
func (c *child) check() error {
	if c.ending || !c.hasExited() || c.err == nil {
		return nil
	}
	return fmt.Errorf("%s ended: %w\n%s", c.name, c.err, c.words())
}

// words are the last lines that the process wrote.
func (c *child) words() string {
	const most = 2000
	text, err := os.ReadFile(c.log)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text[max(0, len(text)-most):]))
}

// kill ends the process at once, as SIGKILL does, and waits until it is gone.
func (c *child) kill() {
	c.ending = true
	_ = c.cmd.Process.Kill() // an error says that it has ended already
	<-c.exited
}

// stop asks the process to end, kills it when ctx ends, and waits until it is gone.
func (c *child) stop(ctx context.Context) {
	c.ending = true
	if c.hasExited() {
		return
	}
	if c.cmd.Process.Signal(syscall.SIGTERM) == nil {
		select {
		case <-c.exited:
			return
		case <-ctx.Done():
		}
	}
	c.kill()
}
