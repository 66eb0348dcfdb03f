package dashboard

import (
	"context"
	"fmt"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
)

// Limits of what is read for all who look.
const (
	readEvery  = time.Second     // and not more often, however many look
	namesEvery = 5 * time.Second // the names of all queues
	maxQueues  = admin.MaxCounted
	upcoming   = 8
)

// board reads what most pages show, once for all who look within a second.
type board struct {
	admin *admin.Admin
	turn  chan struct{} // held by who reads
	last  *reading
	named time.Time
	rates map[string]*history
}

// reading is what was read at one moment.
type reading struct {
	at       time.Time // by this machine's clock
	now      time.Time // by Redis's
	names    []string  // of all queues
	queues   []admin.Queue
	workers  []admin.Worker
	leader   *admin.Leader
	upcoming []*admin.Schedule
	rates    map[string]rates // by queue; "" is all that were read
}

func newBoard(a *admin.Admin) *board {
	return &board{admin: a, turn: make(chan struct{}, 1), rates: map[string]*history{}}
}

// read gives the last reading, or a new one if that is too old.
func (b *board) read(ctx context.Context) (*reading, error) {
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", drayhorse.ErrUnavailable, context.Cause(ctx))
	}
	if b.last != nil && time.Since(b.last.at) < readEvery {
		return b.last, nil
	}
	next := &reading{at: time.Now(), now: time.Now()}
	if err := b.fill(ctx, next); err != nil {
		return nil, err
	}
	b.last = next
	return next, nil
}

func (b *board) fill(ctx context.Context, r *reading) (err error) {
	if b.last != nil && time.Since(b.named) < namesEvery {
		r.names = b.last.names
	} else {
		if r.names, err = b.admin.QueueNames(ctx); err != nil {
			return err
		}
		b.named = time.Now()
	}
	if r.queues, err = b.admin.CountQueues(ctx, r.names[:min(len(r.names), maxQueues)]...); err != nil {
		return err
	}
	if r.workers, err = b.admin.Workers(ctx); err != nil {
		return err
	}
	if r.leader, err = b.admin.Leader(ctx); err != nil {
		return err
	}
	if r.upcoming, err = b.admin.Upcoming(ctx, upcoming); err != nil {
		return err
	}
	for i := range r.queues {
		if r.queues[i].Problem == "" {
			r.now = r.queues[i].Now
			break
		}
	}
	b.measure(r)
	return nil
}

// measure adds the totals of a reading to the histories, and takes the rates from them.
func (b *board) measure(r *reading) {
	var all point
	r.rates = map[string]rates{}
	for i := range r.queues {
		q := &r.queues[i]
		if q.Problem != "" {
			continue
		}
		p := pointOf(q)
		all.add(p)
		r.rates[q.Name] = b.note(q.Name, p)
	}
	if all.at.IsZero() {
		all.at = r.now
	}
	r.rates[""] = b.note("", all)
	for name := range b.rates {
		if _, ok := r.rates[name]; !ok {
			delete(b.rates, name)
		}
	}
}

func (b *board) note(name string, p point) rates {
	h := b.rates[name]
	if h == nil {
		h = &history{}
		b.rates[name] = h
	}
	h.add(p)
	return h.rates(p.at)
}

// queue gives one of the queues, as it was read, or reads it.
func (q *request) queue(r *reading, name string) (*admin.Queue, error) {
	return q.gate.queue(q.r.Context(), r, name)
}

// board gives what is read for all, as far as the user sees it.
func (q *request) board() (*reading, error) { return q.gate.read(q.r.Context()) }
