package scheduler

import (
	"context"
	"sync"
	"time"
)

// mailbox takes what goroutines of a term have come to, for its next round.
type mailbox struct {
	running sync.WaitGroup
	bell    chan struct{}

	mu   sync.Mutex
	mail []any
}

func newMailbox() *mailbox { return &mailbox{bell: make(chan struct{}, 1)} }

// run does work in a goroutine of its own and keeps what it gives.
func (m *mailbox) run(work func() any) {
	m.running.Go(func() {
		result := work()
		m.mu.Lock()
		m.mail = append(m.mail, result)
		m.mu.Unlock()
		select {
		case m.bell <- struct{}{}:
		default: // it rings already
		}
	})
}

// take empties the mailbox.
func (m *mailbox) take() []any {
	m.mu.Lock()
	defer m.mu.Unlock()
	mail := m.mail
	m.mail = nil
	return mail
}

// await waits for d, for mail, or until ctx ends.
func (m *mailbox) await(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-m.bell:
	case <-timer.C:
	}
}

// wait waits until nothing runs.
func (m *mailbox) wait() { m.running.Wait() }
