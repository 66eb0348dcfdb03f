package step_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/embedded"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/step"
	"github.com/drayhorse/drayhorse/worker"
)

// Trip is the arguments of a job.
type Trip struct {
	City string `json:"city"`
}

func (Trip) Kind() string { return "trip" }

// work runs a job with a handler until it has ended, with a producer beside it.
func work(handler func(ctx context.Context, job *drayhorse.Job[Trip]) error, beside func(ctx context.Context, p *producer.Producer, id string)) {
	server, err := embedded.Start("") // an application has a Redis
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	p, err := producer.New(producer.Config{RedisURL: server.URL()})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	w, err := worker.New(worker.Config{RedisURL: server.URL(), Retry: worker.Constant(0)})
	if err != nil {
		fmt.Println(err)
		return
	}
	worker.Handle(w, handler)
	info, err := p.Enqueue(ctx, Trip{City: "Paris"}, drayhorse.Retain(time.Hour))
	if err != nil {
		fmt.Println(err)
		return
	}
	done := make(chan error, 1)
	working, end := context.WithCancel(ctx)
	go func() { done <- w.Run(working) }()
	if beside != nil {
		beside(ctx, p, info.ID)
	}
	ended, err := p.Wait(ctx, info.ID)
	end()
	if err := errors.Join(err, <-done); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(ended.State, "in attempt", ended.Attempt)
}

// The flight is booked once, though the hotel takes three attempts.
func ExampleRun() {
	work(func(ctx context.Context, job *drayhorse.Job[Trip]) error {
		flight, err := step.Run(ctx, "flight", func(context.Context) (string, error) {
			fmt.Println("book a flight to", job.Args.City)
			return "AF 7", nil
		})
		if err != nil {
			return err
		}
		hotel, err := step.Run(ctx, "hotel", func(context.Context) (string, error) {
			if job.Attempt < 3 {
				return "", errors.New("the hotel does not answer")
			}
			return "room 12", nil
		})
		if err != nil {
			return err
		}
		fmt.Println(flight, "and", hotel)
		return nil
	}, nil)
	// Output:
	// book a flight to Paris
	// AF 7 and room 12
	// completed in attempt 3
}

// A job sleeps without a slot of its worker, and no attempt is consumed.
func ExampleSleep() {
	runs := 0
	work(func(ctx context.Context, _ *drayhorse.Job[Trip]) error {
		runs++
		if err := step.Sleep(ctx, "before the trip", 50*time.Millisecond); errors.Is(err, drayhorse.ErrInvalid) {
			fmt.Println("names are as those of kinds")
		}
		if err := step.Sleep(ctx, "before-the-trip", 50*time.Millisecond); err != nil {
			return err
		}
		fmt.Println("run", runs)
		return nil
	}, nil)
	// Output:
	// names are as those of kinds
	// names are as those of kinds
	// run 2
	// completed in attempt 1
}

// A job has others done, by any worker, and goes on with their results.
func ExampleJobs() {
	work(func(ctx context.Context, job *drayhorse.Job[Trip]) error {
		if job.Args.City != "Paris" { // one of those below
			return job.SetResult("a room in " + job.Args.City)
		}
		var specs []drayhorse.Spec
		for _, city := range []string{"Lyon", "Nice"} {
			specs = append(specs, drayhorse.Spec{Args: Trip{City: city}})
		}
		rooms, err := step.Jobs[string](ctx, "rooms", specs...)
		if failed, ok := errors.AsType[*step.JobsError](err); ok {
			return drayhorse.Discard(fmt.Errorf("no room: %w", failed))
		}
		if err != nil {
			return err
		}
		fmt.Println(rooms)
		return nil
	}, nil)
	// Output:
	// [a room in Lyon a room in Nice]
	// completed in attempt 1
}

// A job waits for somebody's word.
func ExampleWaitSignal() {
	work(func(ctx context.Context, _ *drayhorse.Job[Trip]) error {
		answer, err := step.WaitSignal[string](ctx, "approved", 48*time.Hour)
		if errors.Is(err, step.ErrTimeout) {
			return drayhorse.Discard(err)
		}
		if err != nil {
			return err
		}
		fmt.Println("the answer is", answer)
		return nil
	}, func(ctx context.Context, p *producer.Producer, id string) {
		err := p.Signal(ctx, id, "approved", "yes", flow.Key("click-7"), flow.Sender("ann"), flow.Queue("default"))
		if err != nil {
			fmt.Println(err)
		}
		err = p.Signal(ctx, id, "approved", "no", flow.Key("click-8"))
		fmt.Println(errors.Is(err, drayhorse.ErrSignalled) || errors.Is(err, drayhorse.ErrEnded)) // it may have ended by now
	})
	// Unordered output:
	// true
	// the answer is yes
	// completed in attempt 1
}
