package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// planEnv holds, for a process that this test binary runs of itself, what it is to
// do.
const planEnv = "DRAYHORSE_CHAOS_PLAN"

// plan is what one process is to do.
type plan struct {
	Role      string // one of roles
	Name      string // in the history; empty: made from the process's ID
	URL       string
	Namespace string
	Dir       string // of the history and the logs

	// Of a producer.
	Seed    uint64
	Only    string // of the mix this kind alone; "": all
	Jobs    int
	Rate    int // jobs a second; 0: as fast as it can
	Callers int // calls at once
	Durable int // replicas to wait for
	Millis  int // how long the jobs of kind hold last

	// Of a producer or a scheduler.
	Spread []string // the queues of its jobs, in turn; empty: default alone

	// Of a worker or a scheduler that is to do something wrong.
	Bug     bug
	Stumble string // step of a textbook scheduler in which it pauses

	// Of a worker.
	Concurrency int
	Shutdown    time.Duration
	Limit       int            // KiB of address space; 0: none
	Queues      map[string]int // empty: default alone

	// Of a scheduler.
	Schedules  int
	Start, End time.Time
	LeaseTTL   time.Duration
}

// roles are the mains of the processes.
var roles = map[string]func(context.Context, *plan, *journal) error{
	"producer": produce, "worker": serve, "scheduler": schedule, "note": note, "weaver": weave,
	"textbook": func(ctx context.Context, p *plan, j *journal) error { return p.Bug.lead(ctx, p, j) },
}

// runChild is main of a process.
func runChild(text string) {
	if err := child(text); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

func child(text string) error {
	var p plan
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return err
	}
	if p.Name == "" {
		p.Name = "process-" + strconv.Itoa(os.Getpid())
	}
	j, err := openJournal(p.Dir, p.Name)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	return roles[p.Role](ctx, &p, j)
}

// queue gives the queue of the i-th job or schedule.
func (p *plan) queue(i int) string {
	if len(p.Spread) == 0 {
		return drayhorse.DefaultQueue
	}
	return p.Spread[i%len(p.Spread)]
}

// ready tells the parent that the process does its work.
func (p *plan) ready() error {
	return os.WriteFile(filepath.Join(p.Dir, p.Name+".ready"), nil, 0o600)
}

func (p *plan) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelInfo}))
}

// process is a child as its parent sees it.
type process struct {
	*exec.Cmd
	rig    *rig
	plan   plan
	exited chan struct{}
	err    error // how it ended, after exited
}

// spawn runs this binary, or another one, by a plan. It ends with the test.
func (r *rig) spawn(binary string, p plan, env ...string) *process {
	r.Helper()
	p.Namespace, p.Dir = r.namespace, r.dir
	text, err := json.Marshal(p)
	if err != nil {
		r.Fatal(err)
	}
	log, err := os.OpenFile(filepath.Join(r.dir, p.Name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		r.Fatal(err)
	}
	defer func() { _ = log.Close() }() // the process has its own
	argv := []string{binary}
	if p.Limit > 0 {
		argv = []string{"sh", "-c", fmt.Sprintf("ulimit -v %d && exec %q", p.Limit, binary)}
	}
	c := &process{Cmd: exec.Command(argv[0], argv[1:]...), rig: r, plan: p, exited: make(chan struct{})}
	// A program with the race detector would wait a second at its end.
	c.Env = append(append(os.Environ(), "GORACE=atexit_sleep_ms=10", planEnv+"="+string(text)), env...)
	c.Stdout, c.Stderr, c.SysProcAttr = log, log, dieWithParent()
	if err := c.Start(); err != nil {
		r.Fatal(err)
	}
	go func() { defer close(c.exited); c.err = c.Wait() }()
	r.Cleanup(c.kill)
	r.children = append(r.children, c)
	return c
}

// awaitReady waits until the process says that it does its work.
func (c *process) awaitReady() *process {
	c.rig.Helper()
	if c.awaitReadyOrDead(); c.hasExited() {
		c.rig.Fatalf("%s ended: %v\n%s", c.plan.Name, c.err, c.rig.logOf(c.plan.Name))
	}
	return c
}

// awaitReadyOrDead is for a worker that a job may kill before it is seen.
func (c *process) awaitReadyOrDead() *process {
	c.rig.Helper()
	redistest.Eventually(c.rig.T, patience, c.plan.Name+" is ready", func() bool {
		return c.hasExited() || c.rig.hands().exists(c.plan.Name+".ready")
	})
	return c
}

func (c *process) hasExited() bool {
	select {
	case <-c.exited:
		return true
	default:
		return false
	}
}

// kill ends the process at once, frozen or not.
func (c *process) kill() {
	_ = c.Process.Kill() // it may have ended
	<-c.exited
}

// stop asks the process to end and waits for it. It must end well.
func (c *process) stop() {
	c.rig.Helper()
	if c.hasExited() {
		return
	}
	c.signal(syscall.SIGTERM)
	select {
	case <-c.exited:
	case <-time.After(redistest.Stretch * patience):
		c.rig.Errorf("%s does not end", c.plan.Name)
		c.kill()
		return
	}
	if c.err != nil {
		c.rig.Errorf("%s ended badly: %v\n%s", c.plan.Name, c.err, c.rig.logOf(c.plan.Name))
	}
}

func (c *process) freeze() { c.signal(syscall.SIGSTOP) }
func (c *process) thaw()   { c.signal(syscall.SIGCONT) }

func (c *process) signal(s syscall.Signal) {
	c.rig.Helper()
	if err := c.Process.Signal(s); err != nil {
		c.rig.Fatalf("%v to %s: %v", s, c.plan.Name, err)
	}
}

// forget leaves a process that was killed out of what is waited for and asked to
// stop.
func (r *rig) forget(c *process) {
	r.children = slices.DeleteFunc(r.children, func(p *process) bool { return p == c })
}
