package demo

import "syscall"

// attributes put a process beyond the reach of the terminal's signals, which are
// for the demo to act on, and let it die with the demo.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
