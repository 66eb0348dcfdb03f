package producer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/producer"
)

// A job that has not begun never runs. That it is too late is no job of the caller's.
func ExampleProducer_Cancel() {
	withThumbnails(func(ctx context.Context, p *producer.Producer) {
		info, err := p.Enqueue(ctx, Thumbnail{"a.png"}, drayhorse.In(time.Hour))
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(p.Cancel(ctx, info.ID))
		info, err = p.Get(ctx, info.ID)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(info.State)
		err = p.Cancel(ctx, info.ID)
		fmt.Println(errors.Is(err, drayhorse.ErrEnded), errors.Is(err, drayhorse.ErrNotFound))
	})
	// Output:
	// <nil>
	// cancelled
	// true true
}

// A job that waits for its time, or has ended, runs now.
func ExampleProducer_Retry() {
	withThumbnails(func(ctx context.Context, p *producer.Producer) {
		info, err := p.Enqueue(ctx, Thumbnail{"a.png"}, drayhorse.In(time.Hour), drayhorse.Retain(time.Hour))
		if err != nil {
			fmt.Println(err)
			return
		}
		if err := p.Retry(ctx, info.ID); err != nil {
			fmt.Println(err)
			return
		}
		if info, err = p.Wait(ctx, info.ID); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(info.State)
	})
	// Output: completed
}

// A job of a kind that is known at run time alone, with arguments that are JSON already.
func ExampleProducer_EnqueueRaw() {
	withThumbnails(func(ctx context.Context, p *producer.Producer) {
		info, err := p.EnqueueRaw(ctx, "thumbnail", json.RawMessage(`{"image":"a.png"}`), drayhorse.Retain(time.Hour))
		if err != nil {
			fmt.Println(err)
			return
		}
		if info, err = p.Wait(ctx, info.ID); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(info.Kind, string(info.Args), info.State)
	})
	// Output: thumbnail {"image":"a.png"} completed
}

// Three jobs, and a fourth when all of them have completed.
func ExampleProducer_NewBatch() {
	withThumbnails(func(ctx context.Context, p *producer.Producer) {
		b, err := p.NewBatch(ctx, flow.Batch{
			ID:        "album-42",
			OnSuccess: flow.Call(Thumbnail{"cover.png"}, drayhorse.ID("cover-42"), drayhorse.Retain(time.Hour)),
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, image := range []string{"a.png", "b.png", "c.png"} {
			if _, err := b.Add(ctx, drayhorse.Spec{Args: Thumbnail{image}}); err != nil {
				fmt.Println(err)
				return
			}
		}
		if err := b.Close(ctx); err != nil { // no more will be added
			fmt.Println(err)
			return
		}
		for ctx.Err() == nil {
			cover, err := p.Wait(ctx, "cover-42")
			if errors.Is(err, drayhorse.ErrNotFound) { // the three still run
				time.Sleep(10 * time.Millisecond)
				continue
			}
			if err != nil {
				fmt.Println(err)
				return
			}
			fmt.Println("the cover is", cover.State)
			break
		}
		info, err := p.Flow(ctx, "album-42")
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(info.Completed, "of", info.Total, "completed")
	})
	// Output:
	// the cover is completed
	// 3 of 3 completed
}

// A thumbnail, a second one when somebody has approved the first, and a third in any case. Submitted
// again, it is the same flow.
func ExampleProducer_Submit() {
	withThumbnails(func(ctx context.Context, p *producer.Producer) {
		f := flow.New("gallery-42")
		first := f.Step("first", Thumbnail{"a.png"})
		approved := f.Signal("approved", time.Hour).After(first)
		f.Step("second", Thumbnail{"b.png"}).After(approved)
		f.Step("third", Thumbnail{"c.png"}).AfterEnd(first)
		for range 2 {
			info, err := p.Submit(ctx, f)
			if err != nil {
				fmt.Println(err)
				return
			}
			fmt.Println(info.Total, "steps, there before:", info.Duplicate)
		}
		if err := p.Signal(ctx, "gallery-42", "approved", "by ann"); err != nil {
			fmt.Println(err)
			return
		}
		for ctx.Err() == nil {
			info, err := p.Flow(ctx, "gallery-42")
			if err != nil {
				fmt.Println(err)
				return
			}
			if !info.EndedAt.IsZero() {
				var by string
				err := p.FlowResult(ctx, "gallery-42", "approved", &by)
				fmt.Println(info.State, info.Completed, by, err)
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
	// Output:
	// 4 steps, there before: false
	// 4 steps, there before: true
	// completed 4 by ann <nil>
}
