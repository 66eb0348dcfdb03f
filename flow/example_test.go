package flow_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/embedded"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/worker"
)

// Fetch and Count are the arguments of steps.
type Fetch struct {
	URL string `json:"url"`
}

func (Fetch) Kind() string { return "fetch" }

type Count struct{}

func (Count) Kind() string { return "count" }

// Two fetches, and a count of what both have come to.
func ExampleNew() {
	server, err := embedded.Start("") // an application has a Redis
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	w, err := worker.New(worker.Config{RedisURL: server.URL()})
	if err != nil {
		fmt.Println(err)
		return
	}
	worker.Handle(w, func(_ context.Context, job *drayhorse.Job[Fetch]) error {
		return job.SetResult(len(job.Args.URL)) // for those that come after
	})
	counted := make(chan int, 1)
	worker.Handle(w, func(ctx context.Context, _ *drayhorse.Job[Count]) error {
		var left, right int
		if err := errors.Join(flow.Result(ctx, "left", &left), flow.Result(ctx, "right", &right)); err != nil {
			return err
		}
		counted <- left + right
		return nil
	})
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()

	f := flow.New("count-42")
	left := f.Step("left", Fetch{"http://example.org/"})
	right := f.Step("right", Fetch{"http://example.com/more"})
	f.Step("count", Count{}).After(left, right)
	p, err := producer.New(producer.Config{RedisURL: server.URL()})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	info, err := p.Submit(ctx, f)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(info.Total, "steps, counted", <-counted)
	stop()
	if err := <-done; err != nil {
		fmt.Println(err)
	}
	// Output: 3 steps, counted 42
}

// What is wrong with a flow is said at once.
func ExampleFlow_Ordered() {
	f := flow.New("wrong")
	a := f.Step("a", Count{})
	b := f.Step("b", Count{}).After(a)
	a.After(b)
	f.Step("a", Count{})
	_, err := f.Ordered()
	fmt.Println(err)
	// Output:
	// invalid: 2 steps have the name "a"; want each once
	// invalid: steps come after one another in a circle: a after b after a
}
