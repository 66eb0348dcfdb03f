package demo

import (
	"syscall"
	"testing"
)

// TestKilledDemoTakesAllAlong: even then no process is left, only files.
func TestKilledDemoTakesAllAlong(t *testing.T) {
	r := setup(t)
	r.ownFiles()
	r.start()
	r.awaitLine("is killed with SIGKILL")
	if err := r.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if code := r.exit(); code != -1 {
		t.Errorf("exit code %d; want a signal", code)
	}
	r.await("no process", func() bool { return len(r.left()) == 0 })
}
