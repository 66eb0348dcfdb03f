//go:build unix

package redistest

import "syscall"

// What freezes a process and lets it go on.
const (
	sigFreeze = syscall.SIGSTOP
	sigThaw   = syscall.SIGCONT
)
