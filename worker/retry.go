package worker

import (
	"math/rand/v2"
	"time"
)

// RetryPolicy says how long a job waits after its attempt-th attempt (from 1)
// failed with err. A negative duration counts as 0.
type RetryPolicy func(attempt int, err error) time.Duration

// Exponential doubles the wait with each attempt, from least to most. Half of each
// wait is random, so that jobs that failed together do not come back together.
func Exponential(least, most time.Duration) RetryPolicy {
	return func(attempt int, _ error) time.Duration {
		wait := most
		if shift := attempt - 1; shift < 40 && least<<shift>>shift == least {
			wait = min(least<<shift, most)
		}
		if wait <= 1 {
			return max(wait, 0)
		}
		return wait/2 + rand.N(wait/2) //nolint:gosec // not a secret
	}
}

// Constant waits the same time after every attempt.
func Constant(wait time.Duration) RetryPolicy {
	return func(int, error) time.Duration { return wait }
}
