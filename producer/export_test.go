package producer

import (
	"context"
	"encoding/json"
	"time"
)

// StepResult reads the result of a step, as another one of its flow does.
func (p *Producer) StepResult(ctx context.Context, id, name string) (json.RawMessage, error) {
	info, err := p.flows.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	return p.flows.Result(ctx, id, info.CreatedAt, name)
}

// Keep looks at all queues now.
func (p *Producer) Keep() {
	p.keeper.mu.Lock()
	p.keeper.allAt = time.Time{}
	p.keeper.mu.Unlock()
	p.keeper.keep(keepTimeout)
}

// Known is of how many queues the producer keeps a route.
func (p *Producer) Known() int {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return len(p.routes)
}
