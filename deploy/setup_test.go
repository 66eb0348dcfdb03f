// Package deploy_test checks what deploy/ ships, as far as that goes without a
// container engine, a cluster or a running systemd: README.md says how far.
package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/drayhorse/drayhorse/internal/cli/clitest"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// binaries is where the programs are, built as the Dockerfile builds them but for
// what makes them smaller.
var binaries = sync.OnceValues(func() (string, error) { return buildDir, clitest.BuildInto(buildDir, "../cmd/...") })

var buildDir string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "deploy-")
	if err != nil {
		panic(err)
	}
	buildDir = dir
	redistest.AtExit(func() error { return os.RemoveAll(dir) })
	redistest.Main(m)
}

func build(t *testing.T) string {
	t.Helper()
	dir, err := binaries()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// write puts a file into a directory of the test's own, and gives its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// tool runs a program that test/install.sh installs.
func tool(t *testing.T, name, dir string, args ...string) (output string, err error) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%v; test/install.sh %s installs it", err, name)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}
