package flows

import (
	"context"
	"errors"
	"sync"
)

// sharedDrain has those in a process who want the same shard drained share one drain: what each of
// them has brought about is done by the next one that begins, and not by each of them anew, which
// would do all that waits there as often as there are callers.
type sharedDrain struct {
	turn chan struct{} // whoever drains is in it

	mu   sync.Mutex
	next *drained // the one that has not begun; nil: nobody waits for one
}

// drained is a drain that callers wait for.
type drained struct {
	ended chan struct{}
	err   error // what it came to, once it has ended
}

// inDrain marks the contexts of calls that a drain makes. What they want drained they drain
// themselves: two drains that waited for each other would wait for ever.
type inDrain struct{}

// join joins the next drain that begins.
func (d *sharedDrain) join() *drained {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.next == nil {
		d.next = &drained{ended: make(chan struct{})}
	}
	return d.next
}

// begin notes that the next one has begun: who comes from now on waits for another.
func (d *sharedDrain) begin() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.next = nil
}

// do has a drain done that begins after this call, by this caller or by another.
func (d *sharedDrain) do(ctx context.Context, drain func(ctx context.Context) error) error {
	if ctx.Value(inDrain{}) != nil {
		return drain(ctx)
	}
	for {
		r := d.join()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-r.ended:
		case d.turn <- struct{}{}:
			r.run(d, func() error { return drain(context.WithValue(ctx, inDrain{}, true)) })
		}
		if ctx.Err() != nil || !errors.Is(r.err, context.Canceled) && !errors.Is(r.err, context.DeadlineExceeded) {
			return r.err
		} // it was another's time that was over
	}
}

// run runs a drain in its caller's turn, unless another has done it before.
func (r *drained) run(d *sharedDrain, drain func() error) {
	defer func() { <-d.turn }()
	select {
	case <-r.ended:
		return
	default:
	}
	d.begin()
	r.err = context.Canceled // should drain not come back
	defer close(r.ended)
	r.err = drain()
}
