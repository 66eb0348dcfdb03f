package demo

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// attributes put a process beyond the reach of the terminal's signals, which are
// for the demo to act on, and let it die with the demo.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// freeze stops the process for as long as it has children that work, whose ends it
// cannot see any more, and gives their number. With none it goes on. How many jobs it
// said it ran does not matter: they may have ended since.
func (c *child) freeze(int) int {
	pid := fmt.Sprint(c.pid())
	_ = c.cmd.Process.Signal(syscall.SIGSTOP) // an error says that it has ended
	for processState(pid) != "T" {            // its threads stop one after the other
		if c.hasExited() {
			return 0
		}
		time.Sleep(time.Millisecond)
	}
	working := 0
	lists, _ := filepath.Glob("/proc/" + pid + "/task/*/children") // the pattern is right
	for _, list := range lists {
		children, _ := os.ReadFile(list) //nolint:gosec // the kernel's; no children where it cannot be read
		for child := range strings.FieldsSeq(string(children)) {
			if state := processState(child); state != "" && state != "Z" {
				working++
			}
		}
	}
	if working == 0 {
		_ = c.cmd.Process.Signal(syscall.SIGCONT)
	}
	return working
}

// processState is the kernel's letter for what a process does: T if it is stopped, Z if
// it has ended. It is empty if there is none.
func processState(pid string) string {
	stat, _ := os.ReadFile("/proc/" + pid + "/stat") //nolint:gosec // the kernel's
	_, after, _ := strings.Cut(string(stat), ") ")
	state, _, _ := strings.Cut(after, " ")
	return state
}
