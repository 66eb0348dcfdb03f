package demo

import (
	"context"
	"os/signal"
	"syscall"
)

// onHangUp gives a context that also ends when whoever watches is gone, by closing
// the terminal or the pipe behind the demo, so that it still clears up.
func onHangUp(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, syscall.SIGHUP, syscall.SIGPIPE)
}
