package asynqcompat

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/hibiken/asynq"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/asynqtask"
	"github.com/drayhorse/drayhorse/worker"
)

// Handle has h, a ServeMux say, serve all kinds that have no handler of their own on
// w, with the waits between attempts that asynq's servers have by default. It panics
// as worker.Handle does.
//
// A mux fails tasks that it has no handler for, as it does under asynq.
func Handle(w *worker.Worker, h asynq.Handler, options ...worker.KindOption) {
	worker.HandleRest(w, Handler(h), append([]worker.KindOption{worker.Retry(retryDelay)}, options...)...)
}

func retryDelay(attempt int, err error) time.Duration {
	return asynq.DefaultRetryDelayFunc(attempt-1, err, nil)
}

// Handler makes a handler of jobs of an asynq handler. An error that is
// asynq.SkipRetry discards the job, and one that is asynq.RevokeTask ends it as
// though it had completed. The errors of drayhorse.Cancel, Discard, RetryAfter and
// Snooze mean what they mean to any handler.
func Handler(h asynq.Handler) worker.Handler {
	return func(ctx context.Context, job *drayhorse.Job[json.RawMessage]) error {
		task, err := asynqtask.Of(job.ID, job.Kind, job.Args)
		if err != nil {
			return drayhorse.Discard(err)
		}
		ctx = context.WithValue(ctx, taskKey{}, &current{
			id: task.ID, retried: job.Attempt - 1, maxRetry: job.MaxAttempts - 1, queue: job.Queue, job: job,
		})
		if !task.Deadline.IsZero() {
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadline(ctx, task.Deadline)
			defer cancel()
		}
		if err := ctx.Err(); err != nil { // too late, or over before it began: asynq does not call the handler
			return err
		}
		return outcome(h.ProcessTask(ctx, asynq.NewTaskWithHeaders(task.Type, task.Payload, task.Headers)))
	}
}

// outcome puts what an asynq handler returned into words of Drayhorse.
func outcome(err error) error {
	switch {
	case errors.Is(err, asynq.RevokeTask):
		return nil
	case errors.Is(err, asynq.SkipRetry):
		return drayhorse.Discard(err)
	}
	return err
}

// Payload gives the payload of the task that became a job with these arguments, for
// handlers that take jobs; and what a ResultWriter was given, of a job's result.
func Payload(args json.RawMessage) ([]byte, error) { return asynqtask.Payload(args) }
