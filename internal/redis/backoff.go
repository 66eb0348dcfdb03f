package redis

import (
	"cmp"
	"context"
	"math/rand/v2"
	"time"
)

// How long to wait before trying again while Redis is away.
const (
	firstWait = 20 * time.Millisecond
	lastWait  = time.Second
)

// Backoff gives the waits between tries: each about twice the one before, with jitter
// so that many clients do not come back at once. The zero value is ready, for a Redis
// that is away.
type Backoff struct{ first, most, last time.Duration }

// NewBackoff makes a Backoff whose waits grow from first to most.
func NewBackoff(first, most time.Duration) Backoff { return Backoff{first: first, most: most} }

// Next gives the next wait.
func (b *Backoff) Next() time.Duration {
	if b.last == 0 {
		b.last = cmp.Or(b.first, firstWait)
	} else {
		b.last = min(2*b.last, cmp.Or(b.most, lastWait))
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
