package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9/logging"
	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/conf"
	"github.com/drayhorse/drayhorse/internal/printable"
)

// Exit codes of all programs.
const (
	ExitOK     = 0
	ExitFailed = 1
	ExitUsage  = 2
)

// Process is what a program sees of its surroundings. Tests make their own.
type Process struct {
	Args           []string // without the program's name
	LookupEnv      func(name string) (string, bool)
	Environ        []string // NAME=VALUE; those that look like settings are warned of
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// sameSignal is how long after the first signal another one is the same: timeout(1),
// npm and others signal a process and its group.
const sameSignal = 500 * time.Millisecond

// Main runs a program and ends the process with its exit code. The first SIGINT or
// SIGTERM ends the context of its command; another one, later than sameSignal, ends
// the process at once.
func Main(root *cobra.Command) {
	logging.Disable() // go-redis would print on its own what the log says already
	ctx, stop := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		again := twoSignals(signals, stop)
		fmt.Fprintf(os.Stderr, "%s: ended at once by a second signal: %v\n", root.Name(), again)
		os.Exit(ExitFailed)
	}()
	p := &Process{
		Args: os.Args[1:], LookupEnv: os.LookupEnv, Environ: os.Environ(),
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
	}
	os.Exit(p.Run(ctx, root))
}

// twoSignals stops a program at the first signal, and gives the one that is to end it at
// once.
func twoSignals(signals <-chan os.Signal, stop context.CancelCauseFunc) os.Signal {
	first := <-signals
	at := time.Now()
	stop(fmt.Errorf("%w by signal: %v", ErrInterrupted, first))
	for {
		if again := <-signals; time.Since(at) >= sameSignal {
			return again
		}
	}
}

// Run runs the command that the arguments name and gives the exit code. What went
// wrong is one line on Stderr, or one for each mistake in a file.
func (p *Process) Run(ctx context.Context, root *cobra.Command) int {
	prepare(root)
	root.SetArgs(p.Args)
	root.SetIn(p.Stdin)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	cmd, err := root.ExecuteContextC(context.WithValue(ctx, processKey{}, p))
	switch {
	case err == nil:
		return ExitOK
	case errors.Is(err, ErrSaid):
		return ExitFailed
	}
	if cause := context.Cause(ctx); errors.Is(err, context.Canceled) && cause != nil {
		err = cause
	}
	lines := []string{oneLine(err.Error())}
	if problems, ok := errors.AsType[*conf.Problems](err); ok {
		lines = strings.Split(problems.Error(), "\n")
	}
	for _, line := range lines {
		_, _ = fmt.Fprintf(p.Stderr, "%s: %s\n", cmd.CommandPath(), printable.Text(line))
	}
	if isUsage(err) {
		return ExitUsage
	}
	return ExitFailed
}

// processKey is where the context of a command holds its Process.
type processKey struct{}

func processOf(ctx context.Context) *Process {
	p, _ := ctx.Value(processKey{}).(*Process)
	return p
}

var (
	// ErrSaid ends a program with ExitFailed without a further word: the command
	// has said on stderr what went wrong.
	ErrSaid = errors.New("said already")
	// ErrInterrupted is the cause of a context that a signal ended.
	ErrInterrupted = errors.New("interrupted")

	errUsage = errors.New("usage")
)

// usageError is a mistake in how the program was called.
type usageError struct{ text string }

func (e *usageError) Error() string        { return e.text }
func (e *usageError) Is(target error) bool { return target == errUsage }

// Usagef makes the error of a program that was called wrongly, which ends it with
// ExitUsage. The text names the value and what would be right.
func Usagef(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}

func isUsage(err error) bool {
	return errors.Is(err, errUsage) || errors.Is(err, drayhorse.ErrInvalid)
}

// line gives an error, which may quote anybody, as one line that can be shown.
func line(err error) string { return printable.Text(oneLine(err.Error())) }

// oneLine joins the lines of a message.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
}
