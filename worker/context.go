package worker

import (
	"context"
	"errors"
	"sync"
	"time"
)

// jobContext is the context of one run of a handler. Short handlers hardly ever look
// at theirs: what makes it end is made when somebody does. Its deadline is kept by the
// session's guard.
type jobContext struct {
	base     context.Context //nolint:containedctx // this is one
	deadline time.Time

	mu      sync.Mutex
	cause   error     // why it ended; nil: it lives
	endedAt time.Time // when
	live    context.Context
	cancel  context.CancelCauseFunc
}

// end ends the context. The first cause counts.
func (c *jobContext) end(cause error) {
	c.mu.Lock()
	if c.cause != nil {
		c.mu.Unlock()
		return
	}
	c.cause, c.endedAt = cause, time.Now()
	cancel := c.cancel
	c.mu.Unlock()
	if cancel != nil {
		cancel(cause)
	}
}

// ended says when and why the context ended. The cause is nil while it lives.
func (c *jobContext) ended() (at time.Time, cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.endedAt, c.cause
}

// watched gives the context that ends with this one.
func (c *jobContext) watched() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.live == nil {
		c.live, c.cancel = context.WithCancelCause(c.base)
		if c.cause != nil {
			c.cancel(c.cause)
		}
	}
	return c.live
}

// Deadline is when the attempt times out.
func (c *jobContext) Deadline() (time.Time, bool) { return c.deadline, true }

// Done is closed when the context ends.
func (c *jobContext) Done() <-chan struct{} { return c.watched().Done() }

// Err tells a timeout from other ends, as contexts with a deadline do.
func (c *jobContext) Err() error {
	switch _, cause := c.ended(); {
	case cause == nil:
		return nil
	case errors.Is(cause, context.DeadlineExceeded):
		return context.DeadlineExceeded
	}
	return context.Canceled
}

// Value is that of Run's context. What package context asks contexts for, to end some
// with others and to tell the cause, is answered by the context that ends.
func (c *jobContext) Value(key any) any {
	if v := c.base.Value(key); v != nil {
		return v
	}
	return c.watched().Value(key)
}
