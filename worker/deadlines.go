package worker

import (
	"context"
	"sync/atomic"
	"time"
)

// deadlines tell the guard when the first of the running jobs times out. One timer
// serves all: nearly all jobs end long before, and a timer for each would cost more
// than anything else that is done for them here.
type deadlines struct {
	begun time.Time     // times are counted from here, by the monotonic clock
	first atomic.Int64  // ns; when the guard looks next
	moved chan struct{} // first came nearer
}

func newDeadlines() *deadlines {
	return &deadlines{begun: time.Now(), moved: make(chan struct{}, 1)}
}

// restart forgets what was noted and sets the next look. From here on all that run
// have to be noted anew.
func (d *deadlines) restart(look time.Time) { d.first.Store(int64(look.Sub(d.begun))) }

// note has the guard look no later than at a job's deadline.
func (d *deadlines) note(at time.Time) {
	ns := int64(at.Sub(d.begun))
	for first := d.first.Load(); ns < first; first = d.first.Load() {
		if d.first.CompareAndSwap(first, ns) {
			select {
			case d.moved <- struct{}{}:
			default:
			}
			return
		}
	}
}

// wait sleeps until it is time to look. It reports false if ctx ends before.
func (d *deadlines) wait(ctx context.Context) bool {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timer.Reset(time.Until(d.begun.Add(time.Duration(d.first.Load()))))
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
			return true
		case <-d.moved:
		}
	}
}
