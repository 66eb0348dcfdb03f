//go:build unix && !linux

package demo

import "syscall"

// attributes put a process beyond the reach of the terminal's signals, which are
// for the demo to act on.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
