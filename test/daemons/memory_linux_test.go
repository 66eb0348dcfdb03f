package daemons

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse"
)

// nobody is a user without privileges.
const nobody = "65534"

// TestCommandsCannotReadTheirWorker: not its environment, which has the password of
// Redis, nor its memory, though both are the same user's.
func TestCommandsCannotReadTheirWorker(t *testing.T) {
	t.Parallel()
	var wrap []string
	if os.Geteuid() == 0 { // commands of root can
		if _, err := exec.LookPath("setpriv"); err != nil {
			t.Skip("no setpriv here, to let the worker be another user")
		}
		if err := os.Chmod(bin(t), 0o755); err != nil {
			t.Fatal(err)
		}
		wrap = []string{"setpriv", "--reuid=" + nobody, "--regid=" + nobody, "--clear-groups", "--"}
	}
	b := newBenchAs(t, wrap, `handlers:
  show: {exec: {command: ["head", "-c", "100", "--", "{{path}}"], env: [PATH]}}
  list: {exec: {command: ["ls", "-l", "--", "{{path}}"], env: [PATH]}}
`)
	for _, c := range []struct{ kind, path, want string }{
		{"show", "/proc/PID/environ", "Permission denied"},
		{"show", "/proc/PID/mem", "Permission denied"},
		{"show", "/proc/PID/maps", "Permission denied"},
		{"list", "/proc/PID/fd/3", "Permission denied"},
		{"list", "/proc/PID/exe", "Permission denied"},
		{"show", "/proc/self/environ", ""},
	} {
		path := strings.ReplaceAll(c.path, "PID", fmt.Sprint(b.worker.PID()))
		id := b.enqueue(c.kind, map[string]string{"path": path}, drayhorse.MaxAttempts(1))
		if c.want == "" {
			b.await(id, drayhorse.Completed)
			continue
		}
		info := b.await(id, drayhorse.Discarded)
		if n := len(info.Errors); n == 0 || !strings.Contains(info.Errors[n-1].Message, c.want) {
			t.Errorf("%s: %+v", path, info.Errors)
		}
	}
}
