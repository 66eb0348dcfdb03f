package httpapi

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/drayhorse/drayhorse"
)

// depths bound how many jobs queues have.
type depths struct {
	queues Queues
	most   int // 0: any number

	mu      sync.Mutex
	entries map[string]*depth
}

// depth is what is known of one queue.
type depth struct {
	busy  chan struct{} // holds one while somebody uses the rest
	jobs  int           // at the last look, and those put in here since
	looks time.Time     // when it was
}

// depthAge is how long a look at a queue counts: one look a second costs nothing
// beside the jobs that can be put in meanwhile.
const depthAge = time.Second

// maxDepths is how many queues are remembered; clients choose their names.
const maxDepths = 1000

func newDepths(queues Queues, most int) *depths {
	return &depths{queues: queues, most: most, entries: map[string]*depth{}}
}

// take counts a job that is about to be put in, or refuses it if the queue is full.
func (d *depths) take(ctx context.Context, queue string) error {
	if d.most == 0 {
		return nil
	}
	e := d.entry(queue)
	select {
	case e.busy <- struct{}{}:
	case <-ctx.Done():
		return drayhorse.ErrUnavailable // somebody has waited for Redis all the time
	}
	defer func() { <-e.busy }()
	if time.Since(e.looks) > depthAge {
		jobs, err := d.look(ctx, queue)
		if err != nil {
			return err
		}
		e.jobs, e.looks = jobs, time.Now()
	}
	if e.jobs >= d.most {
		return queueFull.later(depthAge, "queue", "queue %q has %d jobs; no more are taken from %d on", queue, e.jobs, d.most)
	}
	e.jobs++
	return nil
}

func (d *depths) entry(queue string) *depth {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.entries[queue]
	if e == nil {
		if len(d.entries) == maxDepths {
			clear(d.entries)
		}
		e = &depth{busy: make(chan struct{}, 1)}
		d.entries[queue] = e
	}
	return e
}

// look counts the jobs of a queue that have not ended.
func (d *depths) look(ctx context.Context, queue string) (int, error) {
	q, err := d.queues.Queue(ctx, queue)
	if errors.Is(err, drayhorse.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return q.Scheduled + q.Available + q.Running + q.Retryable, nil
}
