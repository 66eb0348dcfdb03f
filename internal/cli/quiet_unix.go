//go:build unix

package cli

import (
	"os"
	"os/signal"
	"syscall"
)

// OnQuiet calls quiet when the process gets SIGTSTP, until stop is called.
func OnQuiet(quiet func()) (stop func()) {
	signals := make(chan os.Signal, 1)
	done := make(chan struct{})
	signal.Notify(signals, syscall.SIGTSTP)
	go func() {
		defer close(done)
		for range signals {
			quiet()
		}
	}()
	return func() {
		signal.Stop(signals)
		close(signals)
		<-done
	}
}
