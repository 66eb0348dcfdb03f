package admin

import (
	"context"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
)

// Look gives the queues of those names, nil for each that does not exist, and how many
// queues there are in all. However many they are, it takes two round trips where Redis
// allows it. The error is drayhorse.ErrQueueInvalid or ErrUnavailable.
func (a *Admin) Look(ctx context.Context, names ...string) (queues []*Queue, total int, err error) {
	for _, name := range names {
		if err := drayhorse.ValidateQueue(name); err != nil {
			return nil, 0, err
		}
	}
	if err := a.check(ctx); err != nil {
		return nil, 0, err
	}
	found, total, err := a.engine.Look(ctx, names...)
	if err != nil {
		return nil, 0, err
	}
	var parts []*jobs.Partition
	for _, partitions := range found {
		parts = append(parts, partitions...)
	}
	queues = make([]*Queue, len(names))
	if len(parts) == 0 {
		return queues, total, nil
	}
	sizes, err := a.engine.Summaries(ctx, parts...)
	if err != nil {
		return nil, 0, err
	}
	for i, partitions := range found {
		if partitions == nil {
			continue
		}
		queues[i] = &Queue{Name: names[i], Partitions: len(partitions), Totals: map[string]int64{}}
		for range partitions {
			queues[i].add(sizes[0])
			sizes = sizes[1:]
		}
	}
	return queues, total, nil
}
