package asynqcompat

import (
	"context"
	"encoding/json"
	"io"

	"github.com/hibiken/asynq"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/asynqtask"
)

// taskKey is where a handler's context holds its task.
type taskKey struct{}

type current struct {
	id                string
	retried, maxRetry int
	queue             string
	job               *drayhorse.Job[json.RawMessage]
}

func of(ctx context.Context) (*current, bool) {
	c, ok := ctx.Value(taskKey{}).(*current)
	return c, ok
}

// GetTaskID gives the ID of the task whose handler has this context, as
// asynq.GetTaskID does under asynq.
func GetTaskID(ctx context.Context) (id string, ok bool) {
	if c, ok := of(ctx); ok {
		return c.id, true
	}
	return asynq.GetTaskID(ctx)
}

// GetRetryCount gives how often the task has been retried, as asynq.GetRetryCount
// does under asynq.
func GetRetryCount(ctx context.Context) (n int, ok bool) {
	if c, ok := of(ctx); ok {
		return c.retried, true
	}
	return asynq.GetRetryCount(ctx)
}

// GetMaxRetry gives how often the task can be retried, as asynq.GetMaxRetry does
// under asynq.
func GetMaxRetry(ctx context.Context) (n int, ok bool) {
	if c, ok := of(ctx); ok {
		return c.maxRetry, true
	}
	return asynq.GetMaxRetry(ctx)
}

// GetQueueName gives the queue that the task came from, as asynq.GetQueueName does
// under asynq.
func GetQueueName(ctx context.Context) (queue string, ok bool) {
	if c, ok := of(ctx); ok {
		return c.queue, true
	}
	return asynq.GetQueueName(ctx)
}

// ResultWriter takes the result of a task, as task.ResultWriter() does under asynq.
// Each Write replaces what the one before it wrote. Results are kept as long as
// their tasks: see asynq.Retention.
func ResultWriter(ctx context.Context, task *asynq.Task) io.Writer {
	if c, ok := of(ctx); ok {
		return resultWriter{c.job}
	}
	if w := task.ResultWriter(); w != nil {
		return w
	}
	return io.Discard // a task made by hand, in a test say
}

type resultWriter struct {
	job *drayhorse.Job[json.RawMessage]
}

func (w resultWriter) Write(data []byte) (int, error) {
	if err := w.job.SetResult(asynqtask.Result(data)); err != nil {
		return 0, err
	}
	return len(data), nil
}
