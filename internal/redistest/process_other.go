//go:build !linux

package redistest

import "syscall"

// dieWithParent has no means here: a killed test leaves its servers behind.
func dieWithParent() *syscall.SysProcAttr { return nil }
