//go:build !unix

package redistest

import "syscall"

// Nothing here freezes a process: no process takes these signals, and the test ends.
const (
	sigFreeze = syscall.Signal(-1)
	sigThaw   = syscall.Signal(-1)
)
