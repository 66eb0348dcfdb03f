// Package board reads what those who look at all queues together want to see, in as few calls
// to Redis as many look, and keeps how fast jobs come and go.
package board

import (
	"context"
	"fmt"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
)

// Limits of what is read for all who look.
const (
	namesEvery = 5 * time.Second // the names of all queues
	upcoming   = 8

	// MaxQueues is how many queues are counted, the first by their names.
	MaxQueues = admin.MaxCounted
)

// Config says how often, and how much, a Board reads.
type Config struct {
	Every time.Duration // however many look, it reads not more often
	Step  time.Duration // of rates
	Steps int           // that are kept
	// Aligned: steps end at multiples of Step, the last one maybe after the reading, so that
	// what was shown of a step stays so while readings come.
	Aligned bool
}

// Board reads for all who look. It has no goroutine of its own: nothing is read while nobody
// looks.
type Board struct {
	cfg   Config
	admin *admin.Admin
	turn  chan struct{} // held by who reads
	last  *Reading
	named time.Time
	rates map[string]*history

	limits   []admin.Limit
	limitsAt time.Time // zero: they were not read yet
}

// Reading is what was read at one moment.
type Reading struct {
	At       time.Time         // by this machine's clock
	Now      time.Time         // by Redis's
	Names    []string          // of all queues, in order
	Queues   []admin.Queue     // the first MaxQueues of them
	Workers  []admin.Worker    // all
	Leader   *admin.Leader     // nil: no scheduler leads
	Upcoming []*admin.Schedule // those that fire next
	Rates    map[string]Rates  // by queue; "" is all that were read
}

// Values gives what there is of the values of a term of a filter: the names of queues, the kinds
// that workers serve, or the IDs of workers.
func (r *Reading) Values(term string) (all []string) {
	switch term {
	case "queue":
		return r.Names
	case "kind":
		for i := range r.Workers {
			all = append(all, r.Workers[i].Kinds...)
		}
	case "worker":
		for i := range r.Workers {
			all = append(all, r.Workers[i].ID)
		}
	}
	return all
}

// New makes a Board, which reads nothing yet.
func New(a *admin.Admin, cfg Config) *Board {
	return &Board{cfg: cfg, admin: a, turn: make(chan struct{}, 1), rates: map[string]*history{}}
}

// Read gives the last reading, or a new one if that is too old. The error is
// drayhorse.ErrUnavailable.
func (b *Board) Read(ctx context.Context) (*Reading, error) {
	if err := b.take(ctx); err != nil {
		return nil, err
	}
	defer b.give()
	if b.last != nil && time.Since(b.last.At) < b.cfg.Every {
		return b.last, nil
	}
	next := &Reading{At: time.Now(), Now: time.Now()}
	if err := b.fill(ctx, next); err != nil {
		return nil, err
	}
	b.last = next
	return next, nil
}

// take waits for the turn to read.
func (b *Board) take(ctx context.Context) error {
	select {
	case b.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", drayhorse.ErrUnavailable, context.Cause(ctx))
	}
}

func (b *Board) give() { <-b.turn }

// Limits gives all limits, as they were read last, or anew if that is too long ago. The error is
// drayhorse.ErrUnavailable.
func (b *Board) Limits(ctx context.Context) ([]admin.Limit, error) {
	if err := b.take(ctx); err != nil {
		return nil, err
	}
	defer b.give()
	if b.limitsAt.IsZero() || time.Since(b.limitsAt) >= b.cfg.Every {
		all, err := b.admin.Limits(ctx)
		if err != nil {
			return nil, err
		}
		b.limits, b.limitsAt = all, time.Now()
	}
	return b.limits, nil
}

// LimitsChanged has whoever looks next see limits as they are now.
func (b *Board) LimitsChanged(ctx context.Context) {
	if b.take(ctx) == nil {
		b.limitsAt = time.Time{}
		b.give()
	}
}

func (b *Board) fill(ctx context.Context, r *Reading) (err error) {
	if b.last != nil && time.Since(b.named) < namesEvery {
		r.Names = b.last.Names
	} else {
		if r.Names, err = b.admin.QueueNames(ctx); err != nil {
			return err
		}
		b.named = time.Now()
	}
	if r.Queues, err = b.admin.CountQueues(ctx, r.Names[:min(len(r.Names), MaxQueues)]...); err != nil {
		return err
	}
	if r.Workers, err = b.admin.Workers(ctx); err != nil {
		return err
	}
	if r.Leader, err = b.admin.Leader(ctx); err != nil {
		return err
	}
	if r.Upcoming, err = b.admin.Upcoming(ctx, upcoming); err != nil {
		return err
	}
	for i := range r.Queues {
		if r.Queues[i].Problem == "" {
			r.Now = r.Queues[i].Now
			break
		}
	}
	b.measure(r)
	return nil
}

// measure adds the totals of a reading to the histories, and takes the rates from them.
func (b *Board) measure(r *Reading) {
	var all point
	r.Rates = map[string]Rates{}
	for i := range r.Queues {
		q := &r.Queues[i]
		if q.Problem != "" {
			continue
		}
		p := pointOf(q)
		all.add(p)
		r.Rates[q.Name] = b.note(q.Name, p)
	}
	if all.at.IsZero() {
		all.at = r.Now
	}
	r.Rates[""] = b.note("", all)
	for name := range b.rates {
		if _, ok := r.Rates[name]; !ok {
			delete(b.rates, name)
		}
	}
}

func (b *Board) note(name string, p point) Rates {
	h := b.rates[name]
	if h == nil {
		h = &history{step: b.cfg.Step, steps: b.cfg.Steps, aligned: b.cfg.Aligned}
		b.rates[name] = h
	}
	h.add(p)
	return h.rates(p.at)
}
