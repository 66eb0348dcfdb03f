package scheduler_test

import (
	"context"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/scheduler"
	"github.com/drayhorse/drayhorse/worker"
)

// Beat has no arguments.
type Beat struct{}

// Kind names the handler.
func (Beat) Kind() string { return "beat" }

func ExampleScheduler() {
	server := miniredis.NewMiniRedis() // stands for a Redis server
	if err := server.Start(); err != nil {
		panic(err)
	}
	defer server.Close()
	url := "redis://" + server.Addr()

	s, err := scheduler.New(scheduler.Config{RedisURL: url})
	if err != nil {
		panic(err)
	}
	err = s.Add(scheduler.Schedule{ID: "beat-each-second", Every: time.Second, Args: Beat{}, Overlap: scheduler.OverlapSkip})
	if err != nil {
		panic(err)
	}

	w, err := worker.New(worker.Config{RedisURL: url})
	if err != nil {
		panic(err)
	}
	ctx, stop := context.WithTimeout(context.Background(), 30*time.Second)
	defer stop()
	worker.Handle(w, func(_ context.Context, job *drayhorse.Job[Beat]) error {
		fmt.Println(job.Kind, job.Tick.Equal(job.Tick.Truncate(time.Second)))
		stop()
		return nil
	})

	scheduling := make(chan error)
	go func() { scheduling <- s.Run(ctx) }()
	fmt.Println(w.Run(ctx), <-scheduling)
	// Output:
	// beat true
	// <nil> <nil>
}
