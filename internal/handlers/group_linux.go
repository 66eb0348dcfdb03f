package handlers

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// groupAttributes makes the command die with the worker even when that is killed
// outright, for then its job is run again elsewhere. (The signal comes when the
// thread that started it ends, which the runtime lets happen only to a thread
// that a goroutine has locked and not unlocked; nothing here does that.)
func groupAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// awaitExit blocks until the child has ended and leaves it to be reaped.
func awaitExit(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}
