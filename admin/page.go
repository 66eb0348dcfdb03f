package admin

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
)

// QueueNames gives the names of all queues, in order. Redis reads about a thousand at a
// time. The error is drayhorse.ErrUnavailable.
func (a *Admin) QueueNames(ctx context.Context) ([]string, error) {
	if err := a.check(ctx); err != nil {
		return nil, err
	}
	return a.engine.Names(ctx)
}

// MaxCounted is how many queues CountQueues and CountLimits count at once.
const MaxCounted = countAtOnce

// some gives the partitions of those queues (at most MaxCounted) that exist, in the order of their names; wrong is
// why others cannot be read.
func (a *Admin) some(ctx context.Context, names []string) (some [][]*jobs.Partition, wrong map[string]error, err error) {
	if len(names) > MaxCounted {
		return nil, nil, fmt.Errorf("%w: %d queues at once; want at most %d", drayhorse.ErrInvalid, len(names), MaxCounted)
	}
	if err := a.check(ctx); err != nil || len(names) == 0 {
		return nil, nil, err
	}
	found, wrong, err := a.engine.ListSome(ctx, names...)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range names {
		if partitions, ok := found[name]; ok {
			some = append(some, partitions)
		}
	}
	return some, wrong, nil
}

// CountQueues gives the queues of those names (at most MaxCounted) that exist, in their
// order. One that cannot be counted has a Problem and keeps the others from nothing. The
// error is drayhorse.ErrInvalid or ErrUnavailable.
func (a *Admin) CountQueues(ctx context.Context, names ...string) ([]Queue, error) {
	some, wrong, err := a.some(ctx, names)
	if err != nil || len(names) == 0 {
		return nil, err
	}
	queues, err := a.countEach(ctx, some)
	if err != nil {
		return nil, err
	}
	for name, why := range wrong {
		queues = append(queues, Queue{Name: name, Problem: why.Error(), Totals: map[string]int64{}})
	}
	slices.SortFunc(queues, func(x, y Queue) int { return cmp.Compare(slices.Index(names, x.Name), slices.Index(names, y.Name)) })
	return queues, nil
}
