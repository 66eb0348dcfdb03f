// Package before is how the program runs on asynq.
package before

import (
	"github.com/hibiken/asynq"

	"github.com/drayhorse/drayhorse/examples/from-asynq/tasks"
)

// NewClient makes what enqueues.
func NewClient(redisURL string) (*asynq.Client, error) {
	opt, err := asynq.ParseRedisURI(redisURL)
	if err != nil {
		return nil, err
	}
	return asynq.NewClient(opt), nil
}

// StartWorker starts what does the work. Shut it down in the end.
func StartWorker(redisURL string) (*asynq.Server, error) {
	opt, err := asynq.ParseRedisURI(redisURL)
	if err != nil {
		return nil, err
	}
	server := asynq.NewServer(opt, asynq.Config{Concurrency: 1, LogLevel: asynq.FatalLevel})
	return server, server.Start(tasks.NewMux())
}
