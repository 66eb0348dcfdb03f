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

// Folder is a job that finds files, and File one for each of them.
type (
	Folder struct{ Files []string }
	File   struct{ Name string }
)

func (Folder) Kind() string { return "folder" }
func (File) Kind() string   { return "file" }

// Report is the job that comes after all of them.
type Report struct{}

func (Report) Kind() string { return "report" }

// A member of a batch adds others to it, before the batch can end.
func ExampleAddToBatch() {
	server, err := embedded.Start("") // an application has a Redis
	if err != nil {
		panic(err)
	}
	defer server.Close()
	p, err := producer.New(producer.Config{RedisURL: server.URL()})
	if err != nil {
		panic(err)
	}
	defer p.Close()
	w, err := worker.New(worker.Config{RedisURL: server.URL()})
	if err != nil {
		panic(err)
	}
	worker.Handle(w, func(ctx context.Context, job *drayhorse.Job[Folder]) error {
		for _, name := range job.Args.Files {
			if err := flow.AddToBatch(ctx, drayhorse.Spec{Args: File{name}}); err != nil {
				return err
			}
		}
		return nil
	})
	worker.Handle(w, func(context.Context, *drayhorse.Job[File]) error { return nil })
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	worker.Handle(w, func(context.Context, *drayhorse.Job[Report]) error {
		defer stop()
		info, err := p.Flow(context.Background(), "scan-42")
		if err != nil {
			return err
		}
		fmt.Println(info.State, info.Completed, "of", info.Total)
		return nil
	})

	b, err := p.NewBatch(ctx, flow.Batch{ID: "scan-42", OnSuccess: flow.Call(Report{})})
	if err != nil {
		panic(err)
	}
	if _, err := b.Add(ctx, drayhorse.Spec{Args: Folder{[]string{"a", "b", "c"}}}); err != nil {
		panic(err)
	}
	if err := b.Close(ctx); err != nil { // members may still add
		panic(err)
	}
	fmt.Println(w.Run(ctx))
	// Output:
	// completed 4 of 4
	// <nil>
}
