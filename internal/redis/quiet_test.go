package redis

import (
	"context"
	"os"
	"os/exec"
	"testing"

	"github.com/drayhorse/drayhorse/internal/redistest"
)

// inChild is what a child of TestFailedConnectionsPrintNothing does instead of running
// tests, which have go-redis silent anyway.
const inChild = "DRAYHORSE_TEST_CHILD"

func TestMain(m *testing.M) {
	if url := os.Getenv(inChild); url != "" {
		c, err := Open(Config{URL: url})
		if err != nil || c.Ping(context.Background()).Err() == nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	redistest.Main(m)
}

// TestFailedConnectionsPrintNothing: a program that uses a library does not find lines of
// another one on its standard error.
func TestFailedConnectionsPrintNothing(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), inChild+"=redis://127.0.0.1:1/0") // nobody listens there
	out, err := cmd.CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("it ends with %v, and writes %q; want nothing", err, out)
	}
}
