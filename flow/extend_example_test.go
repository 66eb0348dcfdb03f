package flow_test

import (
	"context"
	"fmt"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/embedded"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/worker"
)

// A step that finds out what is to be done adds a step for it, which begins a moment after it.
func ExampleExtend() {
	server, err := embedded.Start("") // an application has a Redis
	if err != nil {
		panic(err)
	}
	defer server.Close()
	w, err := worker.New(worker.Config{RedisURL: server.URL()})
	if err != nil {
		panic(err)
	}
	worker.Handle(w, func(ctx context.Context, job *drayhorse.Job[Fetch]) error {
		if err := job.SetResult(job.Args.URL); err != nil {
			return err
		}
		more := flow.New("")
		more.Step("count", Count{}).After(more.Existing("fetch")).Delay(time.Millisecond)
		return flow.Extend(ctx, more)
	})
	fetched := make(chan string, 1)
	worker.Handle(w, func(ctx context.Context, _ *drayhorse.Job[Count]) error {
		var url string
		if err := flow.Result(ctx, "fetch", &url); err != nil {
			return err
		}
		fetched <- url
		return nil
	})
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()

	f := flow.New("fetch-42")
	f.Step("fetch", Fetch{"http://example.org/"})
	p, err := producer.New(producer.Config{RedisURL: server.URL()})
	if err != nil {
		panic(err)
	}
	defer p.Close()
	if _, err := p.Submit(ctx, f); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("counts what came from", <-fetched)
	stop()
	if err := <-done; err != nil {
		fmt.Println(err)
	}
	// Output: counts what came from http://example.org/
}
