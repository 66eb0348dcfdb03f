// Command batch imports a file of many lines, each a job of its own, and says what came of all of
// them when the last has ended. Lines that cannot be imported do not stop the others.
//
//	$ go run ./examples/batch -id import-1 -lines 1000
//	import-1 is running: 0 of 1000 lines
//	first failure
//	all have ended
//	import-1 is failed: 990 of 1000 lines, 10 could not be imported
//
// It may be killed and started again with the same ID: the batch goes on where it is.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/worker"
)

// Line is one line of the file.
type Line struct {
	N int `json:"n"`
}

// Kind names the handler.
func (Line) Kind() string { return "import-line" }

// News is what a callback says.
type News struct {
	Text string `json:"text"`
}

// Kind names the handler.
func (News) Kind() string { return "import-news" }

func main() {
	id := flag.String("id", fmt.Sprint("import-", time.Now().Unix()), "of the batch")
	lines := flag.Int("lines", 1000, "how many lines the file has")
	redisURL := flag.String("redis", os.Getenv("DRAYHORSE_REDIS_URL"), "where Redis is")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Stdout, *redisURL, *id, *lines)
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer, redisURL, id string, lines int) error {
	p, err := producer.New(producer.Config{RedisURL: redisURL})
	if err != nil {
		return err
	}
	defer p.Close()
	w, err := newWorker(out, redisURL)
	if err != nil {
		return err
	}
	if err := add(ctx, p, id, lines); err != nil {
		return err
	}
	if err := say(ctx, out, p, id, lines); err != nil {
		return err
	}
	working, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- w.Run(working) }()
	err = await(ctx, p, id)
	stop()
	return errors.Join(err, <-done, say(context.WithoutCancel(ctx), out, p, id, lines))
}

// The callbacks have IDs of their own, so that they can be waited for.
const (
	ended  = "-ended"
	failed = "-failed"
	kept   = 24 * time.Hour // the batch; its callbacks are kept for longer
)

// add puts the lines into the batch. Each has an ID of its own, so that to do it again adds none twice.
func add(ctx context.Context, p *producer.Producer, id string, lines int) error {
	b, err := p.NewBatch(ctx, flow.Batch{
		ID: id, Deadline: time.Hour, Retain: kept,
		OnFailure:  flow.Call(News{"first failure"}, drayhorse.ID(id+failed), drayhorse.Retain(kept+time.Hour)),
		OnComplete: flow.Call(News{"all have ended"}, drayhorse.ID(id+ended), drayhorse.Retain(kept+time.Hour)),
	})
	if err != nil {
		return err
	}
	var specs []drayhorse.Spec
	for n := range lines {
		specs = append(specs, drayhorse.Spec{Args: Line{n}, Options: []drayhorse.Option{drayhorse.ID(fmt.Sprintf("%s-%d", id, n)), drayhorse.Queue("import")}})
	}
	for some := range slices.Chunk(specs, producer.MaxMany) {
		_, err := b.Add(ctx, some...)
		if errors.Is(err, drayhorse.ErrFlowEnded) { // closed by an earlier run
			return nil
		}
		if err != nil {
			return err
		}
	}
	return b.Close(ctx)
}

// newWorker makes a worker that imports lines.
func newWorker(out io.Writer, redisURL string) (*worker.Worker, error) {
	w, err := worker.New(worker.Config{RedisURL: redisURL, Queues: map[string]int{"import": 1, "default": 1}})
	if err != nil {
		return nil, err
	}
	worker.Handle(w, func(_ context.Context, job *drayhorse.Job[Line]) error {
		if job.Args.N%100 == 99 {
			return drayhorse.Discard(fmt.Errorf("line %d is no line", job.Args.N))
		}
		return nil
	})
	worker.Handle(w, func(_ context.Context, job *drayhorse.Job[News]) error {
		_, err := fmt.Fprintln(out, job.Args.Text)
		return err
	})
	return w, nil
}

// await waits until the batch has ended and its callbacks have run.
func await(ctx context.Context, p *producer.Producer, id string) error {
	var info *flow.Info
	err := poll(ctx, func() (done bool, err error) {
		info, err = p.Flow(ctx, id)
		return err == nil && !info.EndedAt.IsZero(), err
	})
	if err != nil {
		return err
	}
	callbacks := []string{id + ended}
	if info.Discarded > 0 {
		callbacks = append(callbacks, id+failed)
	}
	for _, callback := range callbacks {
		err := poll(ctx, func() (bool, error) {
			_, err := p.Wait(ctx, callback)
			if errors.Is(err, drayhorse.ErrNotFound) { // it comes in a moment
				return false, nil
			}
			return true, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func poll(ctx context.Context, fact func() (bool, error)) error {
	for {
		if done, err := fact(); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func say(ctx context.Context, out io.Writer, p *producer.Producer, id string, lines int) error {
	info, err := p.Flow(ctx, id)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("%s is %s: %d of %d lines", id, info.State, info.Completed, lines)
	if info.Discarded > 0 {
		text += fmt.Sprintf(", %d could not be imported", info.Discarded)
	}
	_, err = fmt.Fprintln(out, text)
	return err
}
