package producer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/embedded"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/worker"
)

// Thumbnail is the arguments of a job, and Size its result.
type Thumbnail struct {
	Image string `json:"image"`
}

func (Thumbnail) Kind() string { return "thumbnail" }

type Size struct {
	Width int `json:"width"`
}

// makeThumbnail is the handler.
func makeThumbnail(_ context.Context, job *drayhorse.Job[Thumbnail]) error {
	job.Log().Info("began", "image", job.Args.Image)
	if err := job.Progress(0.5, "resizing"); err != nil {
		return err
	}
	rows, err := job.Stream("rows")
	if err != nil {
		return err
	}
	for i := range 3 {
		if _, err := fmt.Fprintf(rows, "row %d\n", i); err != nil {
			return err
		}
	}
	return job.SetResult(Size{640})
}

// withThumbnails calls use with a producer, while a worker makes thumbnails.
func withThumbnails(use func(ctx context.Context, p *producer.Producer)) {
	server, err := embedded.Start("") // an application has a Redis
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	w, err := worker.New(worker.Config{RedisURL: server.URL(), Queues: map[string]int{"default": 1}})
	if err != nil {
		fmt.Println(err)
		return
	}
	worker.Handle(w, makeThumbnail)
	p, err := producer.New(producer.Config{RedisURL: server.URL()})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	use(ctx, p)
	_ = p.Close()
	stop()
	if err := <-done; err != nil {
		fmt.Println(err)
	}
}

// The result of a job, which is run once for all who ask for it within ten minutes.
func ExampleDo() {
	withThumbnails(func(ctx context.Context, p *producer.Producer) {
		size, err := producer.Do[Thumbnail, Size](ctx, p, Thumbnail{"a.png"}, drayhorse.Fresh(10*time.Minute))
		if failed, ok := errors.AsType[*drayhorse.FailedError](err); ok {
			fmt.Println("it failed:", failed.Info.Errors)
			return
		}
		fmt.Println(size.Width, err)
	})
	// Output: 640 <nil>
}

// Until a job has ended, and how.
func ExampleProducer_Wait() {
	withThumbnails(func(ctx context.Context, p *producer.Producer) {
		info, err := p.Enqueue(ctx, Thumbnail{"a.png"}, drayhorse.Retain(time.Hour))
		if err != nil {
			fmt.Println(err)
			return
		}
		if info, err = p.Wait(ctx, info.ID, drayhorse.Queue(info.Queue)); err != nil {
			fmt.Println(err)
			return
		}
		log, err := p.Log(ctx, info.ID)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(info.State, string(info.Result), info.Progress.Text, log.Lines[0].Message)
	})
	// Output: completed {"width":640} resizing began
}

// What a handler writes, as it comes up, from the beginning or where one was interrupted.
func ExampleProducer_ReadStream() {
	withThumbnails(func(ctx context.Context, p *producer.Producer) {
		info, err := p.Enqueue(ctx, Thumbnail{"a.png"})
		if err != nil {
			fmt.Println(err)
			return
		}
		s, err := p.ReadStream(ctx, info.ID, "rows", 0)
		if err != nil {
			fmt.Println(err)
			return
		}
		defer s.Close()
		for {
			part, err := s.Next(ctx)
			if errors.Is(err, io.EOF) {
				return // the job has ended, and all was read
			}
			if err != nil {
				fmt.Println(err)
				return
			}
			fmt.Print(string(part.Data))
		}
	})
	// Output:
	// row 0
	// row 1
	// row 2
}

// A job gets a signal before its handler waits for it, and shows who sent it.
func ExampleProducer_Signal() {
	withThumbnails(func(ctx context.Context, p *producer.Producer) {
		info, err := p.Enqueue(ctx, Thumbnail{Image: "a.png"}, drayhorse.In(time.Hour))
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, key := range []string{"click-7", "click-7", "click-8"} {
			err := p.Signal(ctx, info.ID, "approved", true, flow.Key(key), flow.Sender("ann"))
			fmt.Println(errors.Is(err, drayhorse.ErrSignalled))
		}
		steps, err := p.Steps(ctx, info.ID)
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, s := range steps.Signals {
			fmt.Println(s.Name, s.Key, s.Sender)
		}
	})
	// Output:
	// false
	// false
	// true
	// approved click-7 ann
}
