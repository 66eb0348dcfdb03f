package producer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/drayhorse/drayhorse"
)

// maxRoutes is how many ways into queues are kept. Each takes some 4 KB.
const maxRoutes = 1000

// mayCreate refuses a queue that does not exist once there are as many as there may be.
// Producers that create queues in the same moment may go a few beyond it.
func (p *Producer) mayCreate(ctx context.Context, queue string) error {
	if p.most == 0 {
		return nil
	}
	if _, err := p.engine.Lookup(ctx, queue); !errors.Is(err, drayhorse.ErrNotFound) {
		return err
	}
	_, total, err := p.engine.Look(ctx)
	if err != nil {
		return err
	}
	if total >= p.most {
		return fmt.Errorf("%w: queue %q does not exist, and %d others do; max_queues is %d", drayhorse.ErrInvalid, queue, total, p.most)
	}
	return nil
}

// forget gives up ways into queues that nobody is on, so that there are no more than
// maxRoutes. Whoever goes there again gets a new one. Callers hold mu.
func (p *Producer) forget() {
	for queue, r := range p.routes {
		if len(p.routes) < maxRoutes {
			return
		}
		if r.isIdle() {
			delete(p.routes, queue)
		}
	}
}

func (r *route) isIdle() bool {
	for _, writers := range slices.Concat(r.writers, r.durable) {
		for _, writer := range writers {
			if writer.Busy() {
				return false
			}
		}
	}
	return true
}
