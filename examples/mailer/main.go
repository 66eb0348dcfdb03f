// Command mailer is a worker with two kinds of jobs, those that the service next door
// enqueues.
//
//	go run ./examples/mailer
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/examples/email"
	"github.com/drayhorse/drayhorse/worker"
)

func main() {
	redisURL := flag.String("redis", "redis://127.0.0.1:6379/0", "where Redis is")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := work(ctx, *redisURL)
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

func work(ctx context.Context, redisURL string) error {
	w, err := newWorker(redisURL)
	if err != nil {
		return err
	}
	return w.Run(ctx)
}

// newWorker makes the worker with its handlers: the program runs it, the test has it work.
func newWorker(redisURL string) (*worker.Worker, error) {
	w, err := worker.New(worker.Config{
		RedisURL: redisURL,
		Queues:   map[string]int{"mail": 3, "default": 1},
		Logger:   slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return nil, err
	}
	worker.Handle(w, welcome)
	worker.Handle(w, report, worker.Retry(worker.Constant(time.Minute)))
	return w, nil
}

func welcome(_ context.Context, job *drayhorse.Job[email.Welcome]) error {
	fmt.Printf("welcome, user %d (attempt %d)\n", job.Args.UserID, job.Attempt)
	return nil
}

var errNoAddress = errors.New("no address")

func report(ctx context.Context, job *drayhorse.Job[email.Report]) error {
	if !strings.Contains(job.Args.To, "@") {
		return drayhorse.Discard(fmt.Errorf("%w: %q", errNoAddress, job.Args.To)) // trying again will not help
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return job.SetResult(map[string]any{"sent_to": job.Args.To, "days": job.Args.Days})
}
