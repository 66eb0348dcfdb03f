package lock

import "time"

// sighting is the lease of another as one look showed it.
type sighting struct {
	mark
	ttl    time.Duration
	age    time.Duration // since its last renewal, by Redis's clock
	holder Holder
}

// mark is what changes with every renewal. No two leases of a lock ever have the
// same owner, and no two renewals of an owner the same call.
type mark struct {
	owner string
	call  int64
}

// fresh reports whether Redis's clock, for what it is worth, says that the lease
// was renewed within its TTL.
func (s sighting) fresh() bool { return s.age >= 0 && s.age < s.ttl }

// watch is what a waiter knows about the lease of the holder. It judges by the
// waiter's own monotonic clock alone.
type watch struct {
	last  sighting
	until time.Time // if the mark is still the same then, the holder is dead
}

// note takes in what a look that was answered at that time showed. From the
// answer on counts as seen: Redis made it earlier, if anything.
func (w *watch) note(s sighting, answered time.Time) {
	if s.mark != w.last.mark {
		w.until = answered.Add(s.ttl)
	}
	w.last = s
}

// dead is the mark of a lease that may be taken over if it is still the same at
// a look that starts now; the zero mark for none.
func (w *watch) dead(now time.Time) mark {
	if now.Before(w.until) {
		return mark{}
	}
	return w.last.mark
}

// next is how long to wait before the next look, at most period.
func (w *watch) next(now time.Time, period time.Duration) time.Duration {
	if left := w.until.Sub(now); left > 0 && left < period {
		return left
	}
	return period
}
