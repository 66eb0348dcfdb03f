//go:build !unix

package cli

// OnQuiet does nothing: this system has no SIGTSTP.
func OnQuiet(func()) (stop func()) { return func() {} }
