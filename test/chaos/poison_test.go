package chaos

import (
	"context"
	"errors"
	"os"
	"runtime"
	"syscall"
	"time"
)

// Handlers that harm their worker.

func panics(context.Context, *hands, *work, int) error { panic("always") }

func exits(context.Context, *hands, *work, int) error {
	os.Exit(7)
	return nil
}

func killsItself(context.Context, *hands, *work, int) error {
	return syscall.Kill(os.Getpid(), syscall.SIGKILL)
}

// hogs memory until the limit of the process ends it.
func hogs(context.Context, *hands, *work, int) error {
	var all [][]byte
	for {
		block := make([]byte, 64<<20)
		for i := 0; i < len(block); i += 4096 {
			block[i] = 1
		}
		all = append(all, block)
		runtime.KeepAlive(all)
	}
}

// loops without a look at its context, for longer than anybody waits.
func loops(context.Context, *hands, *work, int) error {
	for start := time.Now(); time.Since(start) < time.Hour; {
	}
	return nil
}

// outage is the file that stands for a service that all handlers of a kind need.
const outage = "outage"

func failsDuringOutage(_ context.Context, h *hands, _ *work, _ int) error {
	if h.exists(outage) {
		return errors.New("the service is away")
	}
	return nil
}
