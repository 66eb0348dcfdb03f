// Package after is how the program runs on Drayhorse.
package after

import (
	"context"

	"github.com/drayhorse/drayhorse/asynqcompat"
	"github.com/drayhorse/drayhorse/examples/from-asynq/tasks"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/worker"
)

// NewClient makes what enqueues.
func NewClient(redisURL string) (*asynqcompat.Client, error) {
	p, err := producer.New(producer.Config{RedisURL: redisURL})
	if err != nil {
		return nil, err
	}
	return asynqcompat.NewClient(p), nil
}

// Work does the work until ctx ends.
func Work(ctx context.Context, redisURL string) error {
	w, err := worker.New(worker.Config{RedisURL: redisURL, Concurrency: 1})
	if err != nil {
		return err
	}
	asynqcompat.Handle(w, tasks.NewMux())
	return w.Run(ctx)
}
