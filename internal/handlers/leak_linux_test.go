package handlers

import (
	"context"
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

	"golang.org/x/sys/unix"

	"github.com/drayhorse/drayhorse"
)

var runs = flag.Int("runs", 500, "how many commands TestRunsLeaveNothing runs")

// TestRunsLeaveNothing: no process, descriptor or file, whatever way the
// commands end. It is not parallel, so that it sees its own alone.
func TestRunsLeaveNothing(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	sh := func(script string) *Exec {
		return &Exec{Command: []string{"sh", "-c", script}, Env: []string{"PATH", "TMPDIR"}}
	}
	timeout := sh("trap '' TERM; sleep 60 & sleep 60")
	timeout.Timeout, timeout.Grace = 20*time.Millisecond, 10*time.Millisecond
	flood := sh("while :; do echo xxxxxxxxxxxxxxxx; done")
	flood.MaxOutputBytes = 1000
	stdin := sh("exec cat")
	stdin.Stdin = true
	ways := []struct {
		cfg *Exec
		to  drayhorse.State
	}{
		{sh("echo fine"), drayhorse.Completed},
		{sh("echo broken >&2; exit 1"), drayhorse.Retryable},
		{sh("sleep 60 & sleep 60 & echo fine"), drayhorse.Completed},
		{sh("kill -9 $$"), drayhorse.Retryable},
		{stdin, drayhorse.Completed},
		{flood, drayhorse.Retryable},
		{timeout, drayhorse.Retryable},
		{&Exec{Command: []string{"true", "{{missing}}"}}, drayhorse.Discarded},
	}
	handlers := make([]Func, len(ways))
	for i, way := range ways {
		handlers[i] = buildOne(t, Config{Exec: way.cfg}, Options{})
		_ = handlers[i](t.Context(), newJob("{}").Job) // the runtime's own descriptors are open now
	}
	before := descriptors(t)
	next := make(chan int)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for i := range next {
				way := i % len(ways)
				if err := handlers[way](t.Context(), newJob("{}").Job); destination(err) != ways[way].to {
					t.Errorf("%q: %v; want %s", ways[way].cfg.Command, err, ways[way].to)
				}
			}
		})
	}
	for i := range *runs {
		next <- i
	}
	close(next)
	group.Wait()
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors after %d runs; %d before", after, *runs, before)
	}
	if left := children(os.Getpid()); len(left) > 0 {
		t.Errorf("children are left: %q", left)
	}
	if files, err := os.ReadDir(temp); err != nil || len(files) > 0 {
		t.Errorf("files are left: %v, %v", files, err)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(open)
}

// children gives the status lines of a process's children, zombies included.
func children(parent int) []string {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	must(err)
	var found []string
	for _, file := range files {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended since
		}
		line := string(stat)
		fields := strings.Fields(line[strings.LastIndexByte(line, ')')+1:])
		if fields[1] == fmt.Sprint(parent) {
			found = append(found, line[:strings.LastIndexByte(line, ')')+3])
		}
	}
	return found
}

// TestOrphansAreReaped where the worker inherits them, as process 1 does.
func TestOrphansAreReaped(t *testing.T) {
	t.Parallel()
	job := newJob("{}")
	if err := buildOne(t, Config{Exec: act("inherit")}, Options{})(t.Context(), job.Job); err != nil {
		t.Fatal(err)
	}
	if got := job.text(t); got != "[]\n" {
		t.Errorf("children are left: %s", got)
	}
}

func init() {
	acts["inherit"] = func([]string) {
		must(unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
		script := "sleep 60 & (sleep 60 & sleep 60) & echo fine"
		set, err := Build(map[string]Config{"k": {Exec: &Exec{Command: []string{"/bin/sh", "-c", script}, Env: []string{"PATH"}}}}, Options{})
		must(err)
		for range 20 {
			must(set.Funcs["k"](context.Background(), newJob("{}").Job))
		}
		printJSON(append([]string{}, children(os.Getpid())...))
	}
}

// TestCommandDiesWithItsWorker: a worker killed outright leaves no command that
// runs beside the next run of its job.
func TestCommandDiesWithItsWorker(t *testing.T) {
	t.Parallel()
	at := listen(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	worker := exec.CommandContext(ctx, self, at.address)
	worker.Env = append(os.Environ(), actVariable+"=worker")
	if err := worker.Start(); err != nil {
		t.Fatal(err)
	}
	conn, pid := at.accept(t)
	if pid == worker.Process.Pid {
		t.Fatal("the worker itself reported")
	}
	if err := worker.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := worker.Wait(); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("the worker ended with %v; want it killed", err)
	}
	gone(t, conn)
}
