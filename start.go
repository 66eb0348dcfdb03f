package drayhorse

import (
	"fmt"
	"time"
)

// StartWithin discards the job if its first attempt has not started within d, with a reason
// that begins with "expired". The time counts from the enqueue, or from when the job is due
// where In or At says so, by Redis's clock; it is checked where the job is claimed, so that
// none starts later, and by the workers' sweeps, so that a job that nobody claims goes as
// well. A start is a claim. Once it has started a job does not expire: not by a retry, a
// snooze or the death of its worker, and not when an operator brings it back. Default: a job
// waits for as long as it takes.
func StartWithin(d time.Duration) Option {
	return option{FieldStartWithin, func(s *Settings) { s.StartWithin = d }}
}

func (s *Settings) validateStart() error {
	if s.Given.Has(FieldStartWithin) && (s.StartWithin < time.Millisecond || s.StartWithin > maxDuration) {
		return fmt.Errorf("%w: StartWithin(%v); want 1ms to 100 years", ErrInvalid, s.StartWithin)
	}
	return nil
}
