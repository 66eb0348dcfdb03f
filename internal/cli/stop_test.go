package cli

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestTwoSignalsOfAMomentAreOne(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		pauses []time.Duration // before each signal that follows the first
		ends   int             // which of them ends the program at once; -1: none
	}{
		"one":                  {nil, -1},
		"two at once":          {[]time.Duration{time.Millisecond}, -1},
		"three at once":        {[]time.Duration{0, 499 * time.Millisecond}, -1},
		"a second one":         {[]time.Duration{500 * time.Millisecond}, 0},
		"a second one, twice":  {[]time.Duration{time.Millisecond, time.Second}, 1},
		"a second one, slowly": {[]time.Duration{time.Hour}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				signals := make(chan os.Signal, 2)
				ctx, stop := context.WithCancelCause(t.Context())
				ended := make(chan os.Signal, 1)
				go func() {
					if s := twoSignals(signals, stop); s != nil {
						ended <- s
					}
				}()
				signals <- syscall.SIGTERM
				synctest.Wait()
				if !errors.Is(context.Cause(ctx), ErrInterrupted) {
					t.Errorf("after the first: %v", context.Cause(ctx))
				}
				for i, pause := range c.pauses {
					<-time.After(pause)
					signals <- os.Interrupt
					synctest.Wait()
					if got := len(ended) == 1; got != (i == c.ends) {
						t.Errorf("signal %d ends the program: %v", i, got)
					}
				}
				if c.ends < 0 { // let the goroutine go
					<-time.After(time.Second)
					close(signals)
				}
			})
		})
	}
}

func TestAStoppingProgramSaysWhatItWaitsFor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		people bool
		cause  error
		count  int
		want   string
	}{
		{true, ErrInterrupted, 1, "stopping: waiting up to 25s for 1 job; another signal ends at once\n"},
		{true, ErrInterrupted, 7, "stopping: waiting up to 25s for 7 jobs; another signal ends at once\n"},
		{true, ErrInterrupted, 0, "stopping: no job is under way; another signal ends at once\n"},
		{false, ErrInterrupted, 2, "level=INFO msg=\"stopping; another signal ends at once\" wait=\"waiting up to 25s for 2 jobs\"\n"},
		{true, errors.New("done"), 1, ""},
		{false, errors.New("done"), 1, ""},
	} {
		var out strings.Builder
		log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}}))
		call := &Call{Stderr: &out, Log: log, people: c.people}
		ctx, stop := context.WithCancelCause(t.Context())
		done := call.OnStop(ctx, func() string { return WaitingFor(25*time.Second, c.count, "job") })
		stop(c.cause)
		done()
		if out.String() != c.want {
			t.Errorf("%+v: said %q", c, out.String())
		}
	}
}
