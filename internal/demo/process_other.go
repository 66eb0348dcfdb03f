//go:build !unix

package demo

import "syscall"

// attributes are none: this system has no process groups.
func attributes() *syscall.SysProcAttr { return nil }
