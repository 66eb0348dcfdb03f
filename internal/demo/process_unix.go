//go:build unix && !linux

package demo

import "syscall"

// attributes put a process beyond the reach of the terminal's signals, which are
// for the demo to act on.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// freeze would make sure that the process runs as many jobs as it said when it is
// killed. There is no telling on this system.
func (c *child) freeze(said int) int { return said }
