package worker

import (
	"sync"
	"time"
)

const (
	// farTrip is the time of a round trip from which on Redis is far.
	farTrip = 700 * time.Microsecond
	// tripWindow is for how long, at least, a round trip is remembered.
	tripWindow = 3 * time.Second
)

// trips tell how far Redis is. The shortest round trip of the last seconds says so: a
// longer one says more of how much it carried, or how busy both sides are.
type trips struct {
	mu            sync.Mutex
	before, since time.Duration // the shortest ones of the window before and of this one; 0: none
	turned        time.Time     // when this window began
}

// add takes in a round trip.
func (t *trips) add(now time.Time, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Sub(t.turned) > tripWindow {
		t.before, t.since, t.turned = t.since, 0, now
	}
	t.since = shorter(t.since, took)
}

// far reports whether Redis is. Before the first round trip it is not.
func (t *trips) far() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return shorter(t.before, t.since) > farTrip
}

// shorter gives the shorter one of two round trips, of which 0 is none.
func shorter(a, b time.Duration) time.Duration {
	if a == 0 || (b > 0 && b < a) {
		return b
	}
	return a
}
