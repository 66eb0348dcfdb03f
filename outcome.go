package drayhorse

import (
	"fmt"
	"time"
)

// Cancel ends the job as cancelled when a handler returns it. A nil err is fine.
func Cancel(err error) error { return &Steer{To: Cancelled, Err: err} }

// Discard ends the job as discarded when a handler returns it, whatever attempts
// are left. A nil err is fine.
func Discard(err error) error { return &Steer{To: Discarded, Err: err} }

// RetryAfter fails the attempt like any error and sets the backoff to d; a
// negative d counts as 0.
func RetryAfter(d time.Duration, err error) error {
	return &Steer{To: Retryable, After: max(d, 0), Err: err}
}

// Snooze runs the job again after d without consuming an attempt; a negative d
// counts as 0.
func Snooze(d time.Duration) error { return &Steer{To: Scheduled, After: max(d, 0)} }

// RateLimited puts the job back in front without consuming an attempt, and has no worker start
// another one of its kind in this queue before d is over: for a service that says when to come
// back. Where the queue has a limit with a Rate, no job of the queue starts before. The longest
// of several holds. A negative d counts as 0, more than 366 days as that.
func RateLimited(d time.Duration) error {
	return &Steer{To: Available, After: min(max(d, 0), maxRateTime)}
}

// Steer is the error by which a handler says where its job goes next. Handlers
// make it with Cancel, Discard, RetryAfter, Snooze and RateLimited; middleware reads it with
// errors.As.
type Steer struct {
	To    State // Cancelled, Discarded, Retryable, Scheduled for a snooze, or Available where a rate was met
	After time.Duration
	Err   error
}

// Error gives the handler's own message, or what is to happen where it gave none.
func (s *Steer) Error() string {
	switch {
	case s.Err != nil:
		return s.Err.Error()
	case s.To == Scheduled:
		return fmt.Sprintf("snoozed for %v", s.After)
	case s.To == Available:
		return fmt.Sprintf("rate limited for %v", s.After)
	case s.To == Retryable:
		return fmt.Sprintf("retry after %v", s.After)
	default:
		return string(s.To) + " by its handler"
	}
}

// Unwrap gives the handler's own error.
func (s *Steer) Unwrap() error { return s.Err }
