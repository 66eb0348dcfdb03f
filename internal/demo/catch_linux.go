package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// catch freezes the worker while it runs jobs, and gives their number: the children that it has
// not waited for. Whether they work on or have ended, it does not learn of that any more. With
// none it goes on.
func (w *worker) catch(context.Context) (int, error) {
	pid := fmt.Sprint(w.pid())
	_ = w.cmd.Process.Signal(syscall.SIGSTOP) // an error says that it has ended
	for processState(pid) != "T" {            // its threads stop one after the other
		if w.hasExited() {
			return 0, nil
		}
		time.Sleep(time.Millisecond)
	}
	n := 0
	lists, _ := filepath.Glob("/proc/" + pid + "/task/*/children") // the pattern is right
	for _, list := range lists {
		children, _ := os.ReadFile(list) //nolint:gosec // the kernel's; no children where it cannot be read
		n += len(strings.Fields(string(children)))
	}
	if n == 0 {
		_ = w.cmd.Process.Signal(syscall.SIGCONT)
	}
	return n, nil
}

// processState is the kernel's letter for what a process does: T if it is stopped. It is empty if
// there is none.
func processState(pid string) string {
	stat, _ := os.ReadFile("/proc/" + pid + "/stat") //nolint:gosec // the kernel's
	_, after, _ := strings.Cut(string(stat), ") ")
	state, _, _ := strings.Cut(after, " ")
	return state
}
