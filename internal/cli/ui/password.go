package ui

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/access"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/password"
	"github.com/drayhorse/drayhorse/internal/scope"
)

type passwordConfig struct {
	Role  access.Role `yaml:"role" arg:"ROLE" values:"viewer,reader,operator,admin" usage:"what the user is: viewer, reader, operator or admin"`
	Scope list        `yaml:"scope" arg:"QUEUE" usage:"queue, or QUEUE/KIND, that the role is for; may be given several times (default all)"`
}

func passwordCommand() *cobra.Command {
	return cli.Def[passwordConfig]{
		Name:  "password",
		Args:  []string{"NAME"},
		Short: "Make an entry for the file of the dashboard's users",
		Long: `Make an entry for the file of the dashboard's users. The password is asked for without
being shown, or read from standard input, one line. It is kept nowhere; the entry has
its argon2id hash, and goes below "users:" in the file of drayhorse ui --user-file:

  users:
    - name: ann
      role: operator            # viewer, reader, operator or admin
      scope: [mail, orders/refund]   # queues, or QUEUE/KIND, or "*" for all
      password: "$argon2id$v=19$m=19456,t=2,p=1$..."

To change an entry ends the sessions of its user.`,
		Example: "  drayhorse ui password ann --role operator >>users.yaml",
		Config:  passwordConfig{Role: access.Viewer},
		Run:     makePassword,
	}.Command()
}

func makePassword(ctx context.Context, call *cli.Call, cfg *passwordConfig) error {
	user := access.User{Name: call.Args[0], Role: cfg.Role, Scope: cfg.Scope}
	if len(user.Scope) == 0 {
		user.Scope = []string{scope.Every}
	}
	if err := user.Validate(); err != nil {
		return err
	}
	text, err := readPassword(ctx, call)
	if err != nil {
		return err
	}
	hash, err := password.New(text)
	if err != nil {
		return err
	}
	entries := make([]string, len(user.Scope))
	for i, entry := range user.Scope {
		entries[i] = fmt.Sprintf("%q", entry)
	}
	return call.Print(fmt.Sprintf("  - name: %q\n    role: %s\n    scope: [%s]\n    password: %q\n", user.Name, user.Role, strings.Join(entries, ", "), hash))
}

// readPassword asks for a password, twice, or reads it where no person types it.
func readPassword(ctx context.Context, call *cli.Call) (string, error) {
	f, ok := call.Stdin.(*os.File)
	if !ok || !cli.IsTerminal(f) {
		line, err := bufio.NewReader(io.LimitReader(call.Stdin, password.MaxLength+2)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("read the password: %w", err)
		}
		return strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r"), nil
	}
	first, err := ask(ctx, call, f, "Password: ")
	if err != nil {
		return "", err
	}
	if err := password.Validate(first); err != nil {
		return "", err
	}
	again, err := ask(ctx, call, f, "Once more: ")
	if err == nil && again != first {
		err = fmt.Errorf("%w: the two passwords differ; want the same twice", drayhorse.ErrInvalid)
	}
	return first, err
}

// ask reads a line that the terminal does not show. Where ctx ends, the terminal is as it was.
func ask(ctx context.Context, call *cli.Call, f *os.File, prompt string) (string, error) {
	before, err := term.GetState(int(f.Fd()))
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	_, _ = io.WriteString(call.Stderr, prompt)
	defer func() { _, _ = io.WriteString(call.Stderr, "\n") }()
	type answer struct {
		text []byte
		err  error
	}
	read := make(chan answer, 1)
	go func() {
		text, err := term.ReadPassword(int(f.Fd()))
		read <- answer{text, err}
	}()
	select {
	case <-ctx.Done():
		return "", errors.Join(context.Cause(ctx), term.Restore(int(f.Fd()), before))
	case a := <-read:
		if a.err != nil {
			a.err = fmt.Errorf("read the password: %w", a.err)
		}
		return string(a.text), a.err
	}
}
