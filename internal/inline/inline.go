// Package inline is the door by which drayhorsetest gets at workers and schedulers: they
// work in the goroutine of a test, when it asks for it. Packages worker and scheduler hang
// in here what opens it; so it is no part of what they offer to applications.
package inline

import (
	"context"
	"encoding/json"
	"time"

	"github.com/drayhorse/drayhorse"
)

// Worker runs jobs in the goroutine of its caller, one after the other: claims, handlers,
// middleware, timeouts and what becomes of a job are those of a worker that runs.
type Worker interface {
	// Addr is where its jobs are.
	Addr() string
	// Next runs the job that is next. ok is false if none is due.
	Next(ctx context.Context) (run Run, ok bool, err error)
	// Due is when the next job is due, now for one that is; zero: there is none.
	Due(ctx context.Context) (time.Time, error)
	// Expire ends the context of the job that runs, if its time is up by the clock.
	Expire()
	// Lose has Redis take the worker for dead, if a job runs: its lease is condemned and
	// the job rescued. It reports false if none runs.
	Lose(ctx context.Context) (running bool, err error)
	// Swept tells it of jobs that were discarded in its stead, by the name of their partition
	// and their stored IDs. It reports false if it does not serve their queue.
	Swept(partition string, ids []string) bool
	// Close ends the connections.
	Close() error
}

// Run is one run of a handler.
type Run struct {
	Job    *drayhorse.Job[json.RawMessage] // as the handler got it
	State  drayhorse.State                 // what the job has become; empty: it is gone
	Err    error                           // that the handler returned, or its panic
	Result json.RawMessage                 // that it set
	DueAt  time.Time                       // when it runs again; zero: it does not, or at once
}

// Scheduler enqueues the jobs of ticks in the goroutine of its caller.
type Scheduler interface {
	// Addr is where its schedules are.
	Addr() string
	// Fire enqueues the jobs of all ticks that are due.
	Fire(ctx context.Context) error
	// NextTick is when the next tick is due; zero: there is none.
	NextTick(ctx context.Context) (time.Time, error)
	// Close ends the connections.
	Close() error
}

// OpenWorker opens a *worker.Worker that has not run and is not going to.
var OpenWorker func(ctx context.Context, w any) (Worker, error)

// OpenScheduler opens a *scheduler.Scheduler that has not run and is not going to, and
// writes what it declares.
var OpenScheduler func(ctx context.Context, s any) (Scheduler, error)
