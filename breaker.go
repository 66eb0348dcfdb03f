package drayhorse

import (
	"fmt"
	"math"
	"time"

	"github.com/drayhorse/drayhorse/internal/duration"
)

// Breaker stops the starts of jobs for a while when too many of them fail, as those that call a service that is down.
// It is closed while jobs start. It opens when of at least Min jobs that ended within Window the share Rate or more
// has failed, and then none starts for CoolDown: they wait in line and cost no attempt. After that Probes of them
// start. If all of these succeed it closes; if one fails it stays open for another CoolDown. A job has failed if its
// attempt has, also the last one. One that was cancelled, snoozed, handed back or rescued, or has said
// [RateLimited], tells nothing. The idea is Nygard's circuit breaker (Release It!, 2007).
type Breaker struct {
	// Rate is the share of jobs that fail from which on it opens, as 0.5; 0: there is no breaker.
	Rate float64
	// Min is how many jobs must have ended for that; 0: 10.
	Min int
	// Window is the time in which they are counted, in ten steps: 1 s to 24 h.
	Window time.Duration
	// CoolDown is how long it stays open: 100 ms to 24 h.
	CoolDown time.Duration
	// Probes is how many jobs are tried then, all of which must succeed; 0: 1.
	Probes int
}

const (
	maxBreakerTime = 24 * time.Hour
	minWindow      = time.Second
	minCoolDown    = 100 * time.Millisecond
	maxProbes      = 100
	usualMin       = 10 // jobs that must have ended
)

// BreakerState is how a breaker stands.
type BreakerState string

// The states of a breaker.
const (
	BreakerClosed   BreakerState = "closed"    // jobs start
	BreakerOpen     BreakerState = "open"      // none starts for a while
	BreakerHalfOpen BreakerState = "half-open" // some are tried
)

// problem says what is impossible about it, if anything is.
func (b *Breaker) problem() string {
	switch {
	case *b == Breaker{}:
	case !(b.Rate >= 0.001 && b.Rate <= 1): // also of what is no number
		return fmt.Sprintf("Breaker.Rate %v; want 0.001 to 1, as 0.5 for half of the jobs", b.Rate)
	case b.Min < 0 || b.Min > maxLimit:
		return fmt.Sprintf("Breaker.Min %d; want 1 to %d, or 0 for %d", b.Min, maxLimit, usualMin)
	case b.Window < minWindow || b.Window > maxBreakerTime:
		return fmt.Sprintf("Breaker.Window %v; want %v to %v", b.Window, minWindow, maxBreakerTime)
	case b.CoolDown < minCoolDown || b.CoolDown > maxBreakerTime:
		return fmt.Sprintf("Breaker.CoolDown %v; want %v to %v", b.CoolDown, minCoolDown, maxBreakerTime)
	case b.Probes < 0 || b.Probes > maxProbes:
		return fmt.Sprintf("Breaker.Probes %d; want 1 to %d, or 0 for 1", b.Probes, maxProbes)
	}
	return ""
}

// Terms are the numbers of a valid breaker, for the engine: the share in thousandths, how many must have ended, the
// window and the time to cool down in ms, and how many are tried; ok is false if there is none.
func (b *Breaker) Terms() (rate, least int, window, coolDown int64, probes int, ok bool) {
	if *b == (Breaker{}) {
		return 0, 0, 0, 0, 0, false
	}
	least = b.Min
	if least == 0 {
		least = usualMin
	}
	return int(math.Round(b.Rate * 1000)), least, b.Window.Milliseconds(), b.CoolDown.Milliseconds(), max(b.Probes, 1), true
}

// String is the breaker in words; empty if there is none.
func (b Breaker) String() string {
	rate, least, _, _, probes, ok := b.Terms()
	if !ok {
		return ""
	}
	return fmt.Sprintf("%g%% of %d in %s, cools down %s, tries %d", float64(rate)/10, least, duration.Format(b.Window), duration.Format(b.CoolDown), probes)
}
