// Package drayhorsetest helps applications to test their jobs: with an embedded
// server, so that a test needs nothing installed, and a worker that ends with the
// test.
package drayhorsetest

import (
	"context"
	"testing"

	"github.com/drayhorse/drayhorse/internal/embedded"
	"github.com/drayhorse/drayhorse/worker"
)

// Redis starts an embedded server that ends with the test, and returns its URL for
// the Configs of producer, worker and scheduler.
func Redis(tb testing.TB) string {
	tb.Helper()
	server, err := embedded.Start("")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(server.Close)
	return server.URL()
}

// Run runs a worker until the test ends. It fails the test if Run does not return
// nil.
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
