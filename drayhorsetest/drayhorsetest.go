// Package drayhorsetest is for the tests of applications: a server inside the process
// with a clock that the test moves, so that due times, retries, schedules and retention
// take milliseconds; workers that run what is due in the test's goroutine, by the engine
// and the code that they always run by; and questions about what was enqueued, with
// answers that can be read. docs/testing.md is its guide.
//
// The server is miniredis. It shows what jobs do, not what Redis does when it is full,
// restarts or fails over.
package drayhorsetest

import (
	"context"
	"testing"

	"github.com/drayhorse/drayhorse/internal/embedded"
	"github.com/drayhorse/drayhorse/worker"
)

// Redis starts an embedded server that ends with the test, and returns its URL for
// the Configs of producer, worker and scheduler. It goes by the machine's clock; [New]
// makes one whose clock the test moves.
func Redis(tb testing.TB) string {
	tb.Helper()
	server, err := embedded.Start("")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(server.Close)
	return server.URL()
}

// Run runs a worker in the background until the test ends, with all its goroutines. It
// fails the test if Run does not return nil. [Env.Work] runs jobs in the test's own.
func Run(tb testing.TB, w *worker.Worker) {
	tb.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	tb.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			tb.Errorf("worker: %v", err)
		}
	})
}
