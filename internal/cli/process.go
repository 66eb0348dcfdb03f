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

	"github.com/redis/go-redis/v9/logging"
	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse"
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
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// Main runs a program and ends the process with its exit code. The first SIGINT or
// SIGTERM ends the context of its command; a second one ends the process at once.
func Main(root *cobra.Command) {
	logging.Disable() // go-redis would print on its own what the log says already
	ctx, stop := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		stop(fmt.Errorf("%w by signal: %v", ErrInterrupted, <-signals))
		fmt.Fprintf(os.Stderr, "%s: ended at once by a second signal: %v\n", root.Name(), <-signals)
		os.Exit(ExitFailed)
	}()
	p := &Process{
		Args: os.Args[1:], LookupEnv: os.LookupEnv,
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
	}
	os.Exit(p.Run(ctx, root))
}

// Run runs the command that the arguments name and gives the exit code. What went
// wrong is one line on Stderr.
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
	_, _ = fmt.Fprintf(p.Stderr, "%s: %s\n", cmd.CommandPath(), oneLine(err.Error()))
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

// oneLine joins the lines of a message.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
}
