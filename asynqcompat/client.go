package asynqcompat

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hibiken/asynq"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/asynqtask"
	"github.com/drayhorse/drayhorse/producer"
)

// Client enqueues asynq tasks as jobs, in place of an asynq.Client. It is safe for
// concurrent use.
type Client struct {
	producer *producer.Producer
	composer *composer
}

// NewClient makes a client of a producer, which the client then owns.
func NewClient(p *producer.Producer) *Client {
	return &Client{producer: p, composer: newComposer()}
}

// Close closes the producer. Later calls get drayhorse.ErrClosed.
func (c *Client) Close() error { return errors.Join(c.producer.Close(), c.composer.close()) }

// Enqueue is EnqueueContext without a context.
func (c *Client) Enqueue(task *asynq.Task, options ...asynq.Option) (*asynq.TaskInfo, error) {
	return c.EnqueueContext(context.Background(), task, options...)
}

// EnqueueContext stores a task as a job. The options are those of the task and of
// the call, as asynq has them; docs/from-asynq.md says what each becomes.
//
// The errors are asynq's own for impossible values; asynq.ErrTaskIDConflict if the
// queue knows the ID already, which it does for 24 h after the task has ended;
// drayhorse.ErrInvalid for Unique, Group and what a job cannot have; and those of
// producer.Producer.Enqueue.
func (c *Client) EnqueueContext(ctx context.Context, task *asynq.Task, options ...asynq.Option) (*asynq.TaskInfo, error) {
	info, err := c.composer.compose(ctx, task, options)
	if err != nil {
		return nil, err
	}
	t := asynqtask.Task{
		ID: info.ID, Type: info.Type, Payload: info.Payload, Headers: info.Headers, Deadline: info.Deadline,
	}
	stored, err := c.producer.EnqueueRaw(ctx, t.Kind(), t.Args(), jobOptions(info)...)
	if err != nil {
		return nil, err
	}
	if stored.Duplicate {
		return nil, fmt.Errorf("%w: %s in queue %s", asynq.ErrTaskIDConflict, info.ID, info.Queue)
	}
	if info.ID == "" {
		info.ID = stored.ID
	}
	return info, nil
}

// jobOptions translates. A task without an ID of its own gets none here: to know an
// ID for a day takes memory.
func jobOptions(info *asynq.TaskInfo) []drayhorse.Option {
	options := []drayhorse.Option{
		drayhorse.Queue(info.Queue),
		drayhorse.MaxAttempts(info.MaxRetry + 1),
		drayhorse.Timeout(asynqtask.Timeout(info, time.Now())),
		drayhorse.Retain(info.Retention),
	}
	if info.State == asynq.TaskStateScheduled {
		options = append(options, drayhorse.At(info.NextProcessAt))
	}
	if info.ID != "" {
		options = append(options, drayhorse.ID(asynqtask.JobID(info.ID)))
	}
	return options
}
