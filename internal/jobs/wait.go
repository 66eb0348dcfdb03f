package jobs

import (
	"context"
	"errors"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// Wait blocks until a bell of the partitions rings, for d at most (whole seconds,
// at least one), and gives the partition whose bell it was, or nil. On a Cluster
// the partitions must be of one slot. The bell is a hint: who takes it and cannot
// claim must Ring again. ctx's end does not interrupt the wait.
func (e *Engine) Wait(ctx context.Context, d time.Duration, partitions ...*Partition) (*Partition, error) {
	keys := make([]string, len(partitions))
	for i, p := range partitions {
		keys[i] = p.key(colBell)
	}
	popped, err := e.client.Blocking().BRPop(ctx, d, keys...).Result()
	if errors.Is(err, goredis.Nil) {
		return nil, nil // silence is no error
	}
	if err != nil {
		return nil, failure("wait", err)
	}
	for _, p := range partitions {
		if p.key(colBell) == popped[0] {
			return p, nil
		}
	}
	return nil, nil // cannot be: Redis answers with a key it was given
}

// Ring wakes an idle worker if there is something to claim.
func (p *Partition) Ring(ctx context.Context) error {
	_, err := p.run(ctx, ringScript)
	return err
}
