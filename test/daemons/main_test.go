package daemons

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/internal/cli/clitest"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// soon is how long a test waits for what must happen.
const soon = 60 * time.Second

func TestMain(m *testing.M) { redistest.Main(m) }

// bin is where the programs are, which the first test that asks for them builds.
func bin(tb testing.TB) string {
	tb.Helper()
	dir, err := built()
	if err != nil {
		tb.Fatal(err)
	}
	return dir
}

var built = sync.OnceValues(build)

// build builds the programs into a directory.
func build() (string, error) {
	dir, err := os.MkdirTemp("", "drayhorse-daemons-")
	if err != nil {
		return "", err
	}
	redistest.AtExit(func() error { return os.RemoveAll(dir) })
	if out, err := exec.Command("go", "build", "-o", dir, "../../cmd/...").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return dir, nil
}

// start starts a program. It ends with the test.
func start(tb testing.TB, name string, args ...string) *clitest.Program {
	tb.Helper()
	return clitest.Start(tb, filepath.Join(bin(tb), name), args...)
}

// output runs a program to its end and gives what it said.
func output(tb testing.TB, name string, args ...string) (code int, stdout, stderr string) {
	tb.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(tb.Context(), filepath.Join(bin(tb), name), args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		tb.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// write writes a file of the test.
func write(tb testing.TB, dir, name, text string) string {
	tb.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}
