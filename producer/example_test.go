package producer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/embedded"
	"github.com/drayhorse/drayhorse/producer"
)

// Mail is the arguments of a job.
type Mail struct {
	To string `json:"to"`
}

func (Mail) Kind() string { return "mail" }

// withProducer calls use with a producer of an application, and with the URL of its Redis.
func withProducer(use func(ctx context.Context, p *producer.Producer, redisURL string)) {
	server, err := embedded.Start("")
	if err != nil {
		panic(err)
	}
	defer server.Close()
	p, err := producer.New(producer.Config{RedisURL: server.URL()})
	if err != nil {
		panic(err)
	}
	defer p.Close()
	use(context.Background(), p, server.URL())
}

// With an ID of one's own, to enqueue a job again adds none.
func ExampleProducer_Enqueue() {
	withProducer(func(ctx context.Context, p *producer.Producer, _ string) {
		for range 2 {
			info, err := p.Enqueue(ctx, Mail{To: "ada@example.org"},
				drayhorse.Queue("mail"), drayhorse.In(10*time.Minute), drayhorse.ID("welcome-42"))
			switch {
			case errors.Is(err, drayhorse.ErrUnavailable):
				fmt.Println("it may be stored or not: enqueue it again, with the same ID")
			case err != nil:
				fmt.Println(err)
			case info.Duplicate:
				fmt.Println("it is known already, and", info.State)
			default:
				fmt.Println("enqueued, and", info.State)
			}
		}
	})
	// Output:
	// enqueued, and scheduled
	// it is known already, and scheduled
}

// Many jobs of any kinds and queues, in few round trips.
func ExampleProducer_EnqueueMany() {
	withProducer(func(ctx context.Context, p *producer.Producer, _ string) {
		infos, err := p.EnqueueMany(ctx, []drayhorse.Spec{
			{Args: Mail{To: "ada@example.org"}, Options: []drayhorse.Option{drayhorse.Queue("mail")}},
			{Args: drayhorse.Raw("mail", json.RawMessage(`{"to":"bob@example.org"}`))},
		})
		if some, ok := errors.AsType[*producer.ManyError](err); ok {
			fmt.Println("stored:", some.Stored, "not known:", some.Unknown)
		}
		for _, info := range infos {
			fmt.Println(info.Kind, info.Queue, info.State)
		}
	})
	// Output:
	// mail mail available
	// mail default available
}

// Which of many jobs were not stored, although Redis answered, and why: here their queue is full.
func ExampleRefused() {
	withProducer(func(ctx context.Context, p *producer.Producer, redisURL string) {
		a, err := admin.New(admin.Config{RedisURL: redisURL})
		if err != nil {
			fmt.Println(err)
			return
		}
		defer a.Close()
		if _, err := a.CreateQueue(ctx, "mail", 1); err != nil {
			fmt.Println(err)
			return
		}
		if err := a.SetMaxDepth(ctx, "mail", 1); err != nil {
			fmt.Println(err)
			return
		}
		mail := drayhorse.Queue("mail")
		infos, err := p.EnqueueMany(ctx, []drayhorse.Spec{
			{Args: Mail{To: "ada@example.org"}, Options: []drayhorse.Option{mail}},
			{Args: Mail{To: "bob@example.org"}, Options: []drayhorse.Option{mail}},
		})
		fmt.Println("nothing is in doubt:", producer.OnlyRejected(infos, err))
		for i, reason := range producer.Refused(err) {
			fmt.Println(i, errors.Is(reason, drayhorse.ErrQueueFull))
		}
	})
	// Output:
	// nothing is in doubt: true
	// 1 true
}

// Whether a job has ended, and with which result, if it was enqueued with Retain.
func ExampleProducer_Get() {
	withProducer(func(ctx context.Context, p *producer.Producer, _ string) {
		if _, err := p.Enqueue(ctx, Mail{To: "ada@example.org"}, drayhorse.Queue("mail"), drayhorse.ID("welcome-42")); err != nil {
			fmt.Println(err)
			return
		}
		for _, id := range []string{"welcome-42", "welcome-43"} {
			info, err := p.Get(ctx, id, drayhorse.Queue("mail"))
			switch {
			case errors.Is(err, drayhorse.ErrNotFound):
				fmt.Println("there is no such job, or nothing is kept of it")
			case err != nil:
				fmt.Println(err)
			case info.State == drayhorse.Completed:
				fmt.Printf("%s\n", info.Result)
			default:
				fmt.Println("it is", info.State)
			}
		}
	})
	// Output:
	// it is available
	// there is no such job, or nothing is kept of it
}

// All members of a batch that have not ended are cancelled, and it takes no more.
func ExampleProducer_CancelFlow() {
	withProducer(func(ctx context.Context, p *producer.Producer, _ string) {
		b, err := p.NewBatch(ctx, flow.Batch{ID: "newsletter-7"})
		if err != nil {
			fmt.Println(err)
			return
		}
		if _, err := b.Add(ctx, drayhorse.Spec{Args: Mail{To: "ada@example.org"}}); err != nil {
			fmt.Println(err)
			return
		}
		if err := p.CancelFlow(ctx, b.ID); err != nil {
			fmt.Println(err)
			return
		}
		_, err = b.Add(ctx, drayhorse.Spec{Args: Mail{To: "bob@example.org"}})
		fmt.Println(errors.Is(err, drayhorse.ErrFlowEnded))
	})
	// Output: true
}

// A batch of a batch, and a flow of steps beside it: the one above ends after both.
func ExampleBatch_AddBatch() {
	withProducer(func(ctx context.Context, p *producer.Producer, _ string) {
		all, err := p.NewBatch(ctx, flow.Batch{ID: "newsletter"})
		if err != nil {
			fmt.Println(err)
			return
		}
		some, err := all.AddBatch(ctx, flow.Batch{ID: "newsletter-eu"})
		if err != nil {
			fmt.Println(err)
			return
		}
		f := flow.New("newsletter-us")
		f.Step("send", Mail{To: "bob@example.org"}).After(f.Signal("approved", time.Hour))
		if _, err := all.AddFlow(ctx, f); err != nil {
			fmt.Println(err)
			return
		}
		if err := errors.Join(some.Close(ctx), all.Close(ctx)); err != nil { // some has no members, so it ends
			fmt.Println(err)
			return
		}
		info, err := p.Flow(ctx, "newsletter")
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(info.State, info.Completed, "of", info.Total)
	})
	// Output: running 1 of 2
}
