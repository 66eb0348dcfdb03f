//go:build !unix

package demo

import "syscall"

// attributes are none: this system has no process groups.
func attributes() *syscall.SysProcAttr { return nil }

// freeze would make sure that the process runs as many jobs as it said when it is
// killed. There is no telling on this system.
func (c *child) freeze(said int) int { return said }
