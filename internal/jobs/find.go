package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// locateAtOnce is how many partitions one call looks into: Redis does nothing else
// meanwhile, for a fraction of a millisecond.
const locateAtOnce = 200

// OnJob calls act with the partition that has a job, and the job's stored ID. It looks
// for it in the queue, or for "" in all queues, and where several know the ID it tries
// them in the order of their names until act's error is another than
// drayhorse.ErrNotFound. The errors are act's, and drayhorse.ErrNotFound for the job or
// the queue.
func (e *Engine) OnJob(ctx context.Context, queue, id string, act func(p *Partition, stored string) error) error {
	stored := PackID(id)
	if queue != "" {
		return e.onJobOf(ctx, queue, id, stored, act)
	}
	queues, err := e.Queues(ctx)
	if err != nil {
		return err
	}
	homes := make([]*Partition, len(queues))
	var others []*Partition
	for i, partitions := range queues {
		homes[i] = PartitionOf(partitions, stored)
		others = append(others, othersThan(partitions, homes[i])...)
	}
	return e.tryEach(ctx, fmt.Sprintf("job %s", id), stored, act, homes, others)
}

func (e *Engine) onJobOf(ctx context.Context, queue, id, stored string, act func(p *Partition, stored string) error) error {
	partitions, err := e.Lookup(ctx, queue)
	if err != nil {
		return err
	}
	home := PartitionOf(partitions, stored)
	if err = act(home, stored); !errors.Is(err, drayhorse.ErrNotFound) {
		return err
	}
	others := e.tryEach(ctx, fmt.Sprintf("job %s in queue %s", id, queue), stored, act, othersThan(partitions, home))
	if errors.Is(err, drayhorse.ErrEnded) && errors.Is(others, drayhorse.ErrNotFound) {
		return err
	}
	return others
}

// othersThan gives the other partitions. A job may be in one of them, if it was enqueued
// by a process that took its queue for one of fewer partitions.
func othersThan(partitions []*Partition, home *Partition) []*Partition {
	if len(partitions) == 1 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(partitions), func(p *Partition) bool { return p == home })
}

// tryEach calls act for the partitions that know a job, of one group after the other.
func (e *Engine) tryEach(ctx context.Context, what, stored string, act func(p *Partition, stored string) error, groups ...[]*Partition) error {
	var failed, ended error
	for _, partitions := range groups {
		found, err := e.locate(ctx, stored, partitions)
		for _, p := range found {
			err := act(p, stored)
			if !errors.Is(err, drayhorse.ErrNotFound) {
				return err
			}
			if errors.Is(err, drayhorse.ErrEnded) { // one of another queue may be live
				ended = err
			}
		}
		failed = errors.Join(failed, err)
	}
	switch {
	case failed != nil: // it may be there
		return failed
	case ended != nil:
		return ended
	}
	return fmt.Errorf("%w: %s", drayhorse.ErrNotFound, what)
}

// locate gives those of the partitions that know a job, in their order, in one round
// trip. The error is that of partitions that cannot be asked.
func (e *Engine) locate(ctx context.Context, stored string, partitions []*Partition) ([]*Partition, error) {
	size := locateAtOnce
	if e.client.IsCluster() {
		size = 1 // each may be in a slot of its own
	}
	var calls []redis.Call
	for some := range slices.Chunk(partitions, size) {
		call := locateScript.callEach(some)
		call.Args = []any{stored}
		calls = append(calls, call)
	}
	if len(calls) == 0 {
		return nil, nil
	}
	var found []*Partition
	var failed error
	for n, reply := range e.client.RunAll(ctx, calls) {
		some := partitions[n*size : min((n+1)*size, len(partitions))]
		values := asList(reply.Value)
		if reply.Err == nil && len(values) != len(some) {
			reply.Err = fmt.Errorf("unexpected reply %v", reply.Value)
		}
		for i, p := range some {
			err := reply.Err
			if err == nil {
				err, _ = values[i].(error)
			}
			if err != nil {
				failed = fmt.Errorf("queue %v: %w", p, failure("locate", err))
			} else if asInt(values[i]) == 1 {
				found = append(found, p)
			}
		}
	}
	return found, failed
}
