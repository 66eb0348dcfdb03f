package worker_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/internal/redistest"
)

// TestAWorkerWithoutCPUSaysSo: its handlers compute, hundreds on one CPU.
func TestAWorkerWithoutCPUSaysSo(t *testing.T) {
	const handlers = 400 // each has some 10 ms at a time: they take seconds for a round
	r := field(t)
	r.enqueueN(handlers, "compute")
	c := startChild(t, r.url, r.namespace, handlers, "GOMAXPROCS=1")
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, c.Process.Pid, 19) // other tests need the CPU more
	redistest.Eventually(t, 30*time.Second, "the worker says that it gets no CPU", func() bool {
		return c.log.contains("the worker got no CPU")
	})
}
