package producer

import (
	"context"
	"fmt"
	"slices"

	"github.com/drayhorse/drayhorse"
)

// maxLines is how many ways into queues are kept. Each takes some 4 KB.
const maxLines = 1000

// mayCreate refuses a queue that does not exist once there are as many as there may be.
// Producers that create queues in the same moment may go a few beyond it.
func (p *Producer) mayCreate(ctx context.Context, queue string) error {
	if p.most == 0 {
		return nil
	}
	found, total, err := p.engine.Look(ctx, queue)
	if err != nil {
		return err
	}
	if found[0] == nil && total >= p.most {
		return fmt.Errorf("%w: queue %q does not exist, and %d others do; max_queues is %d", drayhorse.ErrInvalid, queue, total, p.most)
	}
	return nil
}

// forget gives up ways into queues that nobody is on, so that there are no more than
// maxLines. Whoever goes there again gets a new one. Callers hold mu.
func (p *Producer) forget() {
	for queue, l := range p.lines {
		if len(p.lines) < maxLines {
			return
		}
		if l.isIdle() {
			delete(p.lines, queue)
		}
	}
}

func (l *line) isIdle() bool {
	for _, lanes := range slices.Concat(l.lanes, l.durable) {
		for _, lane := range lanes {
			if lane.Busy() {
				return false
			}
		}
	}
	return true
}
