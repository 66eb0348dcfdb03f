package worker_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/worker"
)

// Mail is the arguments of a job.
type Mail struct {
	To string `json:"to"`
}

func (Mail) Kind() string { return "mail" }

var errNoMailbox = errors.New("no such mailbox")

func send(context.Context, string) error { return errNoMailbox }

func ExampleHandle() {
	w, err := worker.New(worker.Config{
		RedisURL: "redis://127.0.0.1:6379/0",
		Queues:   map[string]int{"mail": 3, "default": 1},
		Logger:   slog.Default(),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	worker.Handle(w, func(ctx context.Context, job *drayhorse.Job[Mail]) error {
		switch err := send(ctx, job.Args.To); {
		case errors.Is(err, errNoMailbox):
			return drayhorse.Discard(err) // trying again will not help
		case err != nil && job.IsLastAttempt():
			slog.ErrorContext(ctx, "giving up", "to", job.Args.To)
			return err
		case err != nil:
			return err // is retried
		}
		return job.SetResult("sent")
	}, worker.Retry(worker.Exponential(10*time.Second, time.Hour)))

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := w.Run(ctx); err != nil { // until a signal comes, and what ran has ended
		fmt.Println(err)
	}
}

// Middleware sees the error that a handler returned, and the arguments as JSON.
func ExampleWorker_Use() {
	w, err := worker.New(worker.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	w.Use(func(next worker.Handler) worker.Handler {
		return func(ctx context.Context, job *drayhorse.Job[json.RawMessage]) error {
			begun := time.Now()
			err := next(ctx, job)
			slog.InfoContext(ctx, "ran", "kind", job.Kind, "took", time.Since(begun), "error", err)
			return err
		}
	})
}

// Row is the arguments of a job that adds a row to a table.
type Row struct {
	Name string `json:"name"`
}

func (Row) Kind() string { return "row" }

func insert(context.Context, []Row) error { return nil }

// One insert for up to a hundred jobs. If it fails, each of them is tried again.
func ExampleHandleMany() {
	w, err := worker.New(worker.Config{Concurrency: 200})
	if err != nil {
		fmt.Println(err)
		return
	}
	worker.HandleMany(w, func(ctx context.Context, jobs []*drayhorse.Job[Row]) []error {
		rows := make([]Row, len(jobs))
		for i, job := range jobs {
			rows[i] = job.Args
		}
		if err := insert(ctx, rows); err != nil {
			return slices.Repeat([]error{err}, len(jobs))
		}
		return nil
	}, worker.UpTo(100), worker.Linger(50*time.Millisecond))
}

// A policy may look at the error: one that a deploy mends waits as long as a deploy takes.
func ExampleRetryPolicy() {
	policy := worker.RetryPolicy(func(attempt int, err error) time.Duration {
		if _, wrong := errors.AsType[*drayhorse.ArgsError](err); wrong {
			return 5 * time.Minute
		}
		return time.Duration(attempt) * time.Minute
	})
	fmt.Println(policy(2, errNoMailbox), policy(2, &drayhorse.ArgsError{}))
	// Output: 2m0s 5m0s
}

// Whoever has to hear of the jobs that will not be tried again hears of it here, also of those
// with which workers died.
func ExampleConfig_onDiscard() {
	w, err := worker.New(worker.Config{
		OnDiscard: func(ctx context.Context, info *drayhorse.Info) {
			reason := info.Errors[len(info.Errors)-1].Message
			slog.ErrorContext(ctx, "job given up", "id", info.ID, "kind", info.Kind, "reason", reason)
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	worker.Handle(w, func(context.Context, *drayhorse.Job[Mail]) error { return nil })
}
