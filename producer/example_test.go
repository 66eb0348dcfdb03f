package producer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/producer"
)

// Mail is the arguments of a job.
type Mail struct {
	To string `json:"to"`
}

func (Mail) Kind() string { return "mail" }

func ExampleProducer_Enqueue() {
	ctx := context.Background()
	p, err := producer.New(producer.Config{RedisURL: "redis://127.0.0.1:6379/0"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	info, err := p.Enqueue(ctx, Mail{To: "ada@example.org"},
		drayhorse.Queue("mail"), drayhorse.In(10*time.Minute), drayhorse.ID("welcome-42"))
	switch {
	case errors.Is(err, drayhorse.ErrUnavailable):
		fmt.Println("it may be stored or not: enqueue it again, with the same ID")
	case err != nil:
		fmt.Println(err)
	case info.Duplicate:
		fmt.Println("it is known already, and", info.State)
	}
}

func ExampleProducer_EnqueueMany() {
	ctx := context.Background()
	p, err := producer.New(producer.Config{RedisURL: "redis://127.0.0.1:6379/0"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	infos, err := p.EnqueueMany(ctx, []drayhorse.Spec{
		{Args: Mail{To: "ada@example.org"}, Options: []drayhorse.Option{drayhorse.Queue("mail")}},
		{Args: drayhorse.Raw("mail", json.RawMessage(`{"to":"bob@example.org"}`))},
	})
	if some, ok := errors.AsType[*producer.ManyError](err); ok {
		fmt.Println("stored:", some.Stored, "not known:", some.Unknown)
	}
	fmt.Println(len(infos))
}

// Whether a job has ended, and with which result, if it was enqueued with Retain.
func ExampleProducer_Get() {
	ctx := context.Background()
	p, err := producer.New(producer.Config{RedisURL: "redis://127.0.0.1:6379/0"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	info, err := p.Get(ctx, "welcome-42", drayhorse.Queue("mail"))
	switch {
	case errors.Is(err, drayhorse.ErrNotFound):
		fmt.Println("there is no such job, or nothing is kept of it")
	case err == nil && info.State == drayhorse.Completed:
		fmt.Printf("%s\n", info.Result)
	case err == nil && info.State == drayhorse.Discarded:
		fmt.Println(info.Errors[len(info.Errors)-1].Message)
	}
}
