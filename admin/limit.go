package admin

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/events"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
)

// Limit is a limit as its queue has it.
type Limit struct {
	drayhorse.Limit

	// Shared: it is of a queue with several partitions or of all queues, and each partition has a part of it.
	Shared bool
	// Operator: it was set by SetLimit, and no worker's Config changes it.
	Operator bool
	Version  int64     // one more with each change
	At       time.Time // when it was changed last, by Redis's clock
	By       string    // who changed it: the Actor of Config; empty: not known, or a worker
	Why      string

	Running   int       // jobs that run and count; 0 also of a limit PerGroup, and of one of a Kind without Concurrency
	Waiting   int       // jobs that wait, for it or for something else: those in line, or of its Kind those set aside; 0 PerGroup
	Shut      bool      // it lets no job start now, where it is Shared in a partition with jobs that wait; false PerGroup
	ShutUntil time.Time // zero: until a job has ended, or a share has come

	// State is how its Breaker stands; empty: it has none. A breaker that was open goes on being so until a job is
	// claimed, also when OpenUntil is over. Of one that is shared it is that of the partition that has been open longest,
	// if one is open.
	State     drayhorse.BreakerState
	OpenUntil time.Time // zero: it is not open
}

// SetLimit declares a limit, or changes it: at once, for all workers, and for the jobs that are
// queued already. What runs goes on: with a lower Concurrency none starts until enough have
// ended. It holds until it is set anew or removed; what workers declare does not change it. The
// error is drayhorse.ErrInvalid or ErrUnavailable.
func (a *Admin) SetLimit(ctx context.Context, limit drayhorse.Limit, why string) error {
	if err := limit.Validate(); err != nil {
		return err
	}
	if err := validateWhy(why); err != nil {
		return err
	}
	all, err := a.Limits(ctx)
	if err != nil {
		return err
	}
	for _, other := range all {
		switch {
		case other.Name != limit.Name:
		case other.Shared && limit.PerGroup && other.Queue == limit.Queue: // each partition keeps it alone from now on
			if err := a.limits.Remove(ctx, &other.Limit, true); err != nil {
				return err
			}
		case other.Queue != limit.Queue:
			return fmt.Errorf("%w: limit %s is of %s already; want another name, or remove that first", drayhorse.ErrInvalid, limit.Name, other.where())
		}
	}
	now, err := a.limits.Set(ctx, &limit, true, a.actor, why)
	if err != nil {
		return err
	}
	a.log.InfoContext(ctx, "limit set", slog.String("limit", limit.Name), slog.String(logs.Queue, limit.Queue),
		slog.Int("concurrency", limit.Concurrency), slog.String("rate", limit.Rate.String()), slog.Int64("version", now.Version), slog.String("why", why))
	a.did("limit set", events.Event{Queue: limit.Queue, Kind: limit.Kind, On: limit.Name, Why: why})
	return nil
}

// RemoveLimit takes a limit away. A worker that declares it does so again when it starts. The
// error is drayhorse.ErrNotFound or ErrUnavailable.
func (a *Admin) RemoveLimit(ctx context.Context, name, why string) error {
	limit, err := a.limit(ctx, name)
	if err != nil {
		return err
	}
	if err := a.limits.Remove(ctx, &limit.Limit, limit.Shared); err != nil {
		return err
	}
	a.log.InfoContext(ctx, "limit removed", slog.String("limit", name), slog.String(logs.Queue, limit.Queue), slog.String("why", why))
	a.did("limit removed", events.Event{Queue: limit.Queue, Kind: limit.Kind, On: name, Why: why})
	return nil
}

// CloseBreaker closes the breaker of a limit before its cool-down is over: its jobs start at once, and what has
// failed until now no longer counts. The limit stays as it was declared, and whoever declared it may change it. The error is
// drayhorse.ErrNotFound, ErrInvalid for a limit without a breaker, or ErrUnavailable.
func (a *Admin) CloseBreaker(ctx context.Context, name, why string) error {
	if err := validateWhy(why); err != nil {
		return err
	}
	limit, err := a.limit(ctx, name)
	if err != nil {
		return err
	}
	if limit.State == "" {
		return fmt.Errorf("%w: limit %s has no breaker", drayhorse.ErrInvalid, name)
	}
	if err := a.limits.CloseBreaker(ctx, &limit.Limit); err != nil {
		return err
	}
	a.log.InfoContext(ctx, "breaker closed", slog.String("limit", name), slog.String(logs.Queue, limit.Queue), slog.String("why", why))
	a.did("breaker closed", events.Event{Queue: limit.Queue, Kind: limit.Kind, On: name, Why: why})
	return nil
}

// limit gives one limit.
func (a *Admin) limit(ctx context.Context, name string) (*Limit, error) {
	all, err := a.Limits(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(l Limit) bool { return l.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("%w: limit %q", drayhorse.ErrNotFound, name)
	}
	return &all[i], nil
}

// Limits gives all limits, ordered by name. The error is drayhorse.ErrUnavailable.
func (a *Admin) Limits(ctx context.Context) ([]Limit, error) {
	if err := a.check(ctx); err != nil {
		return nil, err
	}
	declared, err := a.limits.List(ctx)
	if err != nil {
		return nil, err
	}
	return limitsOf(declared), nil
}

// where says whose jobs a limit is for.
func (l *Limit) where() string {
	if l.Queue == "" {
		return "all queues"
	}
	return "queue " + l.Queue
}

// LimitsOf gives the limits of one queue and those of all, ordered by name, at the same cost however many queues
// there are. The error is drayhorse.ErrNotFound, ErrQueueInvalid or ErrUnavailable.
func (a *Admin) LimitsOf(ctx context.Context, queue string) ([]Limit, error) {
	partitions, err := a.queue(ctx, queue)
	if err != nil {
		return nil, err
	}
	return a.limitsIn(ctx, partitions)
}

// CountLimits gives the limits of the queues of those names (at most MaxCounted) that exist, and those of all queues with
// what runs and waits in these; ordered by name. The error is drayhorse.ErrInvalid or ErrUnavailable.
func (a *Admin) CountLimits(ctx context.Context, names ...string) ([]Limit, error) {
	some, _, err := a.some(ctx, names)
	if err != nil {
		return nil, err
	}
	return a.limitsIn(ctx, some...)
}

// limitsIn gives the limits of queues, each with its partitions, and those of all queues.
func (a *Admin) limitsIn(ctx context.Context, queues ...[]*jobs.Partition) ([]Limit, error) {
	declared, err := a.limits.ListOf(ctx, queues...)
	if err != nil {
		return nil, err
	}
	return limitsOf(declared), nil
}

// limitsOf gives limits, ordered by name.
func limitsOf(declared []*jobs.Declared) (all []Limit) {
	for _, d := range declared {
		all = append(all, Limit{d.Limit, d.Shared, d.Operator, d.Version, d.At, d.By, d.Why, d.Running, d.Waiting, d.Shut, d.ShutUntil, d.State, d.OpenUntil})
	}
	slices.SortFunc(all, func(a, b Limit) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Queue, b.Queue)) })
	return all
}
