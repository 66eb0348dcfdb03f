//go:build unix

package httpapi

import "syscall"

// narrowMask has files that the process makes be of no use to anybody, until restore.
func narrowMask() (restore func()) {
	before := syscall.Umask(0o777)
	return func() { syscall.Umask(before) }
}
