package demo

import (
	"context"
	"fmt"
	"time"
)

// lookEvery is the time between two looks at a fact that is waited for. It is
// short against the time that a demo of few files takes.
const lookEvery = 10 * time.Millisecond

// until waits for a fact, at most for so long. What names the fact in the error.
func until(ctx context.Context, most time.Duration, what string, fact func() (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, most, fmt.Errorf("not within %v: %s", most, what))
	defer cancel()
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		if ok, err := fact(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
}
