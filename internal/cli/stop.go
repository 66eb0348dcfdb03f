package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/drayhorse/drayhorse/internal/logs"
)

// signalsHelp is part of the help of every program, and of commands that run long.
const signalsHelp = `SIGINT or SIGTERM stops it gracefully, and it says what it waits for. A second signal,
half a second later or more, ends it at once.`

// programHelp is the same for a program of many commands.
const programHelp = `SIGINT or SIGTERM stops a command gracefully, and it says what it waits for. A second
signal, half a second later or more, ends it at once.`

// secondSignal is what a stopping program says of itself.
const secondSignal = "another signal ends at once"

// Stopping words what a stopping program says, for a person.
func Stopping(waits string) string { return "stopping: " + waits + "; " + secondSignal }

// WaitingFor words what a stopping program waits for: "waiting up to 25s for 1 job".
func WaitingFor(atMost time.Duration, count int, thing string) string {
	switch {
	case count == 0:
		return "no " + thing + " is under way"
	case count > 1:
		thing += "s"
	}
	return fmt.Sprintf("waiting up to %v for %d %s", atMost, count, thing)
}

// OnStop has the program say what it waits for, and for how long, as soon as a signal
// ends ctx: in a line of its own to people, in the log to programs. done ends that, and
// waits until it has been said.
func (c *Call) OnStop(ctx context.Context, waits func() string) (done func()) {
	said := make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		defer close(said)
		switch text := waits(); {
		case !errors.Is(context.Cause(ctx), ErrInterrupted):
		case c.people:
			c.Notef("%s", Stopping(text))
		default:
			c.Log.InfoContext(ctx, "stopping; "+secondSignal, slog.String(logs.Wait, text))
		}
	})
	return func() {
		if !cancel() {
			<-said
		}
	}
}
