package lock

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/internal/redis"
)

// The environment of a child process: this test binary, run again.
const (
	childURL       = "LOCK_TEST_URL"
	childNamespace = "LOCK_TEST_NAMESPACE"
)

// child holds the lock until its context ends, and tells its parent what it sees.
func child() {
	client, err := redis.Open(redis.Config{URL: os.Getenv(childURL)})
	if err != nil {
		panic(err)
	}
	l, err := New(client, Config{Namespace: os.Getenv(childNamespace), Identity: "child", Timing: timing})
	if err != nil {
		panic(err)
	}
	err = l.Do(context.Background(), "thing", func(ctx context.Context, token int64) error {
		fmt.Println("holds", token)
		<-ctx.Done()
		fmt.Println("cause", context.Cause(ctx))
		return nil
	})
	fmt.Println("returned", err)
}

// A process that is frozen past its lease, and continued, finds its context ended
// and its lock refused; the other's is untouched.
func TestFrozenProcess(t *testing.T) {
	t.Parallel()
	f := setup(t)
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childURL+"="+f.url, childNamespace+"="+f.cfg.Namespace)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it has ended, if all went well
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	var old int64
	expect(t, lines, "holds %d", &old)

	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	frozen := time.Now()
	err = f.locker(t).Do(t.Context(), "thing", func(ctx context.Context, token int64) error {
		t.Logf("took over %v after the freeze", time.Since(frozen))
		if token <= old {
			t.Errorf("token %d after %d", token, old)
		}
		if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"cause lease lost", "returned lock thing: lease lost"} {
			if !lines.Scan() || lines.Text() != want {
				t.Errorf("the child says %q, want %q", lines.Text(), want)
			}
		}
		return ctx.Err()
	})
	if err != nil {
		t.Errorf("the new holder: %v", err)
	}
}

func expect(t *testing.T, lines *bufio.Scanner, format string, into ...any) {
	t.Helper()
	if !lines.Scan() {
		t.Fatalf("the child ended: %v", lines.Err())
	}
	if _, err := fmt.Sscanf(strings.TrimSpace(lines.Text()), format, into...); err != nil {
		t.Fatalf("the child says %q, want %q", lines.Text(), format)
	}
}
