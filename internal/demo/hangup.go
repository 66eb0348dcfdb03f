package demo

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// onHangUp gives a context that also ends when whoever watches closes the terminal, so
// that the demo still clears up. When he closes the pipe behind the demo, the console
// notices and calls hangUp: the signal of a broken pipe is also that of a broken
// connection, which the embedded server has with each worker that is killed.
func onHangUp(ctx context.Context) (watched context.Context, hangUp context.CancelFunc) {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // or the first write after it ends the program
	return signal.NotifyContext(ctx, syscall.SIGHUP)
}
