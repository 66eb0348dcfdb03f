package redis

import (
	"context"
	"math/rand/v2"
	"time"
)

// How long to wait before trying again while Redis is away.
const (
	firstWait = 20 * time.Millisecond
	lastWait  = time.Second
)

// Backoff gives the waits between tries while Redis is away: each about twice the
// one before, with jitter so that many clients do not come back at once. The zero
// value is ready.
type Backoff struct{ last time.Duration }

// Next gives the next wait.
func (b *Backoff) Next() time.Duration {
	if b.last == 0 {
		b.last = firstWait
	} else {
		b.last = min(2*b.last, lastWait)
	}
	return b.last/2 + rand.N(b.last/2) //nolint:gosec // not a secret
}

// Reset starts over, after a success.
func (b *Backoff) Reset() { b.last = 0 }

// Wait waits for the next wait and reports whether ctx still lives.
func (b *Backoff) Wait(ctx context.Context) bool {
	timer := time.NewTimer(b.Next())
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
