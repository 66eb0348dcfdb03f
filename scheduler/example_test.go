package scheduler_test

import (
	"context"
	"fmt"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/embedded"
	"github.com/drayhorse/drayhorse/scheduler"
	"github.com/drayhorse/drayhorse/worker"
)

// Beat has no arguments.
type Beat struct{}

// Kind names the handler.
func (Beat) Kind() string { return "beat" }

// startRedis starts a server for an example.
func startRedis() (url string, stop func()) {
	server, err := embedded.Start("")
	if err != nil {
		panic(err)
	}
	return server.URL(), server.Close
}

func ExampleScheduler() {
	url, closeRedis := startRedis() // an application has one
	defer closeRedis()

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

// What a deploy is going to change, before it does.
func ExampleScheduler_Diff() {
	url, closeRedis := startRedis()
	defer closeRedis()
	s, err := scheduler.New(scheduler.Config{RedisURL: url, Source: "billing"})
	if err != nil {
		panic(err)
	}
	defer s.Close() // it is not going to Run
	err = s.Add(scheduler.Schedule{ID: "beat-nightly", Cron: "0 3 * * *", Timezone: "Europe/Paris", Args: Beat{}})
	if err != nil {
		panic(err)
	}
	changes, err := s.Diff(context.Background())
	for _, c := range changes {
		fmt.Println(c.What, c.ID, len(c.Before), len(c.After) > 0, err)
	}
	// Output: add beat-nightly 0 true <nil>
}

// A program that has schedules and leaves it to others to run them.
func ExampleScheduler_Declare() {
	url, closeRedis := startRedis()
	defer closeRedis()
	s, err := scheduler.New(scheduler.Config{RedisURL: url, Source: "billing"})
	if err != nil {
		panic(err)
	}
	defer s.Close()
	err = s.Add(scheduler.Schedule{ID: "beat-nightly", Cron: "0 3 * * *", Args: Beat{}})
	if err != nil {
		panic(err)
	}
	for range 2 {
		changes, err := s.Declare(context.Background())
		fmt.Println(len(changes), err)
	}
	// Output:
	// 1 <nil>
	// 0 <nil>
}

// Who leads, and whether this one can do its job: here nobody has called Run.
func ExampleScheduler_Leader() {
	url, closeRedis := startRedis()
	defer closeRedis()
	s, err := scheduler.New(scheduler.Config{RedisURL: url})
	if err != nil {
		panic(err)
	}
	defer s.Close()
	leader, err := s.Leader(context.Background())
	fmt.Printf("%q %d %v\n", leader.Identity, leader.Term, err)
	fmt.Println(s.Ready())
	// Output:
	// "" 0 <nil>
	// the scheduler does not run
}
