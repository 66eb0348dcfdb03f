package jobs

import (
	"context"
	"fmt"

	"github.com/drayhorse/drayhorse"
)

// MaxDepth is the largest maximum depth of a queue.
const MaxDepth = 1_000_000_000

// SetMaxDepth sets how many live jobs a queue may have, all partitions together; 0: any
// number. Each partition has an equal part of it, the first ones one more where it does not
// divide. What is there already stays. The error is drayhorse.ErrInvalid for a number that
// cannot be divided, and after any other one a part of the partitions may have it.
func SetMaxDepth(ctx context.Context, partitions []*Partition, most int) error {
	parts := len(partitions)
	switch {
	case most < 0 || most > MaxDepth:
		return fmt.Errorf("%w: max depth %d; want 1 to %d, or 0 for any number", drayhorse.ErrInvalid, most, MaxDepth)
	case most > 0 && most < parts:
		return fmt.Errorf("%w: max depth %d of queue %s, which has %d partitions; want at least %d, or 0 for any number",
			drayhorse.ErrInvalid, most, partitions[0].Queue, parts, parts)
	}
	for i, p := range partitions {
		part := most / parts
		if i < most%parts {
			part++
		}
		if _, err := p.run(ctx, depthScript, part); err != nil {
			return err
		}
	}
	return nil
}

// full is the error of a job for which there was no room.
func (p *Partition) full(stored Stored) error {
	return &drayhorse.QueueFullError{Queue: p.Queue, Partition: p.Index, Depth: stored.Depth}
}

// FullError is the error of one of the jobs for which there was no room; nil: all had some.
func (p *Partition) FullError(stored ...Stored) error {
	for _, s := range stored {
		if s.Full {
			return p.full(s)
		}
	}
	return nil
}
