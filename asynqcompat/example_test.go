package asynqcompat_test

import (
	"context"
	"fmt"
	"time"

	"github.com/hibiken/asynq"

	"github.com/drayhorse/drayhorse/asynqcompat"
	"github.com/drayhorse/drayhorse/internal/embedded"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/worker"
)

// A client and a mux of asynq, as an application has them already.
func Example() {
	server, err := embedded.Start("") // an application has a Redis
	if err != nil {
		panic(err)
	}
	defer server.Close()
	p, err := producer.New(producer.Config{RedisURL: server.URL()})
	if err != nil {
		panic(err)
	}
	client := asynqcompat.NewClient(p) // in place of asynq.NewClient
	defer client.Close()
	w, err := worker.New(worker.Config{RedisURL: server.URL()}) // in place of asynq.NewServer
	if err != nil {
		panic(err)
	}

	ctx, stop := context.WithCancel(context.Background())
	mux := asynq.NewServeMux()
	mux.HandleFunc("email:welcome", func(ctx context.Context, task *asynq.Task) error {
		defer stop()
		id, _ := asynqcompat.GetTaskID(ctx) // in place of asynq.GetTaskID
		retried, _ := asynqcompat.GetRetryCount(ctx)
		most, _ := asynqcompat.GetMaxRetry(ctx)
		queue, _ := asynqcompat.GetQueueName(ctx)
		fmt.Println(id, queue, string(task.Payload()), retried, most)
		_, err := asynqcompat.ResultWriter(ctx, task).Write([]byte("sent"))
		return err
	})
	asynqcompat.Handle(w, mux)

	info, err := client.EnqueueContext(ctx, asynq.NewTask("email:welcome", []byte("user 42")), asynq.TaskID("welcome-42"), asynq.MaxRetry(3), asynq.Retention(time.Hour))
	if err != nil {
		panic(err)
	}
	fmt.Println(info.ID, info.Queue)
	if err := w.Run(ctx); err != nil {
		panic(err)
	}
	job, err := p.Wait(context.Background(), info.ID)
	if err != nil {
		panic(err)
	}
	payload, err := asynqcompat.Payload(job.Args) // as the task had it
	fmt.Println(job.State, string(payload), err)
	// Output:
	// welcome-42 default
	// welcome-42 default user 42 0 3
	// completed user 42 <nil>
}
