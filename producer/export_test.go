package producer

import "time"

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
