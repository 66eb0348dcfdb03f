package redistest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

const binary = "redis-server"

var errAddressTaken = errors.New("address already in use")

// process is one redis-server and the directory of its files.
type process struct {
	program  string
	dir      string
	env      []string // beside that of this program
	sentinel bool

	mu     sync.Mutex
	cmd    *exec.Cmd
	exited chan struct{} // closed when cmd has ended
}

// newProcess writes the configuration but starts nothing.
func newProcess(program string, conf []string, sentinel bool) (*process, error) {
	dir, err := os.MkdirTemp("", "redistest-")
	if err != nil {
		return nil, err
	}
	p := &process{program: program, dir: dir, sentinel: sentinel}
	text := "dir " + dir + "\n" + strings.Join(conf, "\n") + "\n"
	if err := os.WriteFile(p.path("redis.conf"), []byte(text), 0o600); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return p, nil
}

func (p *process) path(name string) string { return filepath.Join(p.dir, name) }

// start runs redis-server. The kernel ends it when this program dies.
func (p *process) start() error {
	path, err := exec.LookPath(p.program)
	if err != nil {
		return fmt.Errorf("%s 7.0 or later is not in PATH; install it, for example with `apt-get install redis-server` or `brew install redis`", p.program)
	}
	log, err := os.Create(p.path("log"))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // the process has its own
	args := []string{p.path("redis.conf")}
	if p.sentinel {
		args = append(args, "--sentinel")
	}
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), p.env...)
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = log, log, dieWithParent()
	if err := cmd.Start(); err != nil {
		return err
	}
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		_ = cmd.Wait() // ends by a signal nearly always
	}()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cmd, p.exited = cmd, exited
	return nil
}

// await waits until ready, which gets the process's id, is nil.
func (p *process) await(w wait, ready func(pid string) error) error {
	pid, ended := strconv.Itoa(p.cmd.Process.Pid), false
	err := w.until(p.program+" answers", func() (bool, error) {
		err := ready(pid)
		if err != nil && isClosed(p.exited) {
			ended = true
			return true, nil
		}
		return err == nil, err
	})
	switch {
	case ended:
		return p.died()
	case err != nil:
		return fmt.Errorf("%w\n%s", err, p.log())
	default:
		return nil
	}
}

// died explains why the process ended by itself.
func (p *process) died() error {
	log := p.log()
	if bytes.Contains(log, []byte("Address already in use")) {
		return errAddressTaken
	}
	return fmt.Errorf("%s ended:\n%s", p.program, log)
}

func (p *process) log() []byte {
	text, err := os.ReadFile(p.path("log"))
	if err != nil {
		return []byte(err.Error())
	}
	return text[max(0, len(text)-2000):]
}

func (p *process) signal(sig syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd.Process.Signal(sig)
}

// kill ends the process, paused or not, and waits until it is gone.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill() // an error says that it has ended already
	<-p.exited
}

// remove ends the process and deletes its files.
func (p *process) remove() error {
	p.kill()
	return os.RemoveAll(p.dir)
}
