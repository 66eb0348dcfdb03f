package worker

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/drayhorse/drayhorse"
)

type contextKey struct{}

func TestJobContextEnds(t *testing.T) {
	t.Parallel()
	for cause, want := range map[error]error{
		context.DeadlineExceeded: context.DeadlineExceeded,
		drayhorse.ErrCancelled:   context.Canceled,
		drayhorse.ErrLeaseLost:   context.Canceled,
		drayhorse.ErrStopping:    context.Canceled,
	} {
		for name, look := range map[string]func(context.Context){
			"seen before": func(ctx context.Context) { ctx.Done() },
			"seen after":  func(context.Context) {},
		} {
			t.Run(cause.Error()+" "+name, func(t *testing.T) {
				t.Parallel()
				c := &jobContext{base: context.WithValue(context.Background(), contextKey{}, "value")}
				look(c)
				if c.Err() != nil || context.Cause(c) != nil || c.Value(contextKey{}) != "value" {
					t.Errorf("err %v, cause %v, value %v, want it alive", c.Err(), context.Cause(c), c.Value(contextKey{}))
				}
				c.end(cause)
				c.end(errors.New("a later one"))
				<-c.Done()
				if !errors.Is(c.Err(), want) || !errors.Is(context.Cause(c), cause) {
					t.Errorf("err %v, cause %v, want %v and %v", c.Err(), context.Cause(c), want, cause)
				}
			})
		}
	}
}

// TestJobContextEndsItsChildren: they end with it, with its cause, and without a
// goroutine each that waits for that.
func TestJobContextEndsItsChildren(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &jobContext{base: context.Background()}
		child, cancel := context.WithCancel(c)
		defer cancel()
		c.end(drayhorse.ErrCancelled)
		if child.Err() == nil || !errors.Is(context.Cause(child), drayhorse.ErrCancelled) {
			t.Errorf("err %v, cause %v, want it cancelled at once", child.Err(), context.Cause(child))
		}
	})
}
