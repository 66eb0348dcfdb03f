package drayhorse_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/embedded"
	"github.com/drayhorse/drayhorse/producer"
)

// withProducer calls use with a producer of an application that has a Redis.
func withProducer(use func(ctx context.Context, p *producer.Producer)) {
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
	use(context.Background(), p)
}

// Charge takes the money for an order, once.
type Charge struct {
	OrderID string `json:"order_id"`
}

func (Charge) Kind() string { return "charge" }

func (c Charge) Options() []drayhorse.Option {
	return []drayhorse.Option{drayhorse.Queue("billing"), drayhorse.MaxAttempts(5), drayhorse.ID("charge-" + c.OrderID)}
}

// What belongs to a kind is said once, beside it; options of a call win.
func ExampleArgsWithOptions() {
	s, err := drayhorse.ResolveArgs(Charge{OrderID: "7"}, drayhorse.MaxAttempts(10))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.Queue, s.ID, s.MaxAttempts)
	// Output: billing charge-7 10
}

// A producer of another version sends arguments that the handler's type cannot take.
func ExampleArgsError() {
	_, err := drayhorse.Decode[Charge](&drayhorse.Job[json.RawMessage]{Kind: "charge", Args: json.RawMessage(`{"order_id": 7}`)})
	if wrong, ok := errors.AsType[*drayhorse.ArgsError](err); ok {
		fmt.Println(wrong.Field)
	}
	fmt.Println(err)
	// Output:
	// order_id
	// arguments of kind "charge" do not fit drayhorse_test.Charge: field "order_id" is a JSON number; want string
}

// The options of one job.
func ExampleOption() {
	withProducer(func(ctx context.Context, p *producer.Producer) {
		info, err := p.Enqueue(ctx, Charge{OrderID: "7"},
			drayhorse.Queue("slow"),
			drayhorse.At(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)), // or In(time.Hour)
			drayhorse.MaxAttempts(3),
			drayhorse.Timeout(30*time.Second),     // of one attempt
			drayhorse.Retain(24*time.Hour),        // after it has completed
			drayhorse.StartWithin(10*time.Minute), // after it is due, or not at all
			drayhorse.Group("tenant-42"),          // which gets its share of the starts
			drayhorse.Tags("import", "eu"),        // by which it is found
		)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(info.ID, info.Queue, info.State, info.DueAt.Format(time.DateOnly), info.MaxAttempts, info.Tags)
	})
	// Output: charge-7 slow scheduled 2100-01-01 3 [import eu]
}

// A job that counts as the same as one that waits or runs is not stored.
func ExampleUnique() {
	withProducer(func(ctx context.Context, p *producer.Producer) {
		report := drayhorse.Raw("report", json.RawMessage(`{"shop":42}`))
		for range 2 {
			info, err := p.Enqueue(ctx, report, drayhorse.Unique(drayhorse.UniqueBy{}))
			fmt.Println(info.State, info.Duplicate, err)
		}
	})
	// Output:
	// available false <nil>
	// available true <nil>
}

// A new job in the place of one that has ended, whose ID would be taken for a day.
func ExampleReplaceEnded() {
	withProducer(func(ctx context.Context, p *producer.Producer) {
		job := Charge{OrderID: "7"} // whose ID is charge-7
		if _, err := p.Enqueue(ctx, job); err != nil {
			fmt.Println(err)
			return
		}
		if err := p.Cancel(ctx, "charge-7"); err != nil {
			fmt.Println(err)
			return
		}
		for _, options := range [][]drayhorse.Option{nil, {drayhorse.ReplaceEnded()}} {
			info, err := p.Enqueue(ctx, job, options...)
			fmt.Println(info.State, info.Duplicate, info.State.Ended(), err)
		}
	})
	// Output:
	// cancelled true true <nil>
	// available false false <nil>
}

// What a handler returns beside nil and errors. RateLimited has nobody start a job of its kind
// for a while; the others are about its own job.
func ExampleRateLimited() {
	for _, err := range []error{
		drayhorse.RateLimited(time.Minute), drayhorse.Snooze(time.Hour), drayhorse.RetryAfter(time.Second, errors.New("busy")),
		drayhorse.Discard(errors.New("no such order")), drayhorse.Cancel(errors.New("not wanted")),
	} {
		if _, steers := errors.AsType[*drayhorse.Steer](err); steers {
			fmt.Println(err)
		}
	}
	// Output:
	// rate limited for 1m0s
	// snoozed for 1h0m0s
	// busy
	// no such order
	// not wanted
}

// Arguments of a kind that must have no field that the type does not know.
func ExampleDecodeStrict() {
	_, err := drayhorse.DecodeStrict[Charge](&drayhorse.Job[json.RawMessage]{Kind: "charge", Args: json.RawMessage(`{"order": "7"}`)})
	fmt.Println(err)
	// Output: arguments of kind "charge" do not fit drayhorse_test.Charge: field "order" is not known to it
}

func ExamplePriorities() {
	for _, p := range drayhorse.Priorities() {
		fmt.Print(p, " ")
	}
	// Output: urgent high normal low
}
