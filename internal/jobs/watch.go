package jobs

import (
	"sync"
	"time"
)

// LeaseTime is how long a lease lives without being renewed. BeatEvery is how
// often it is renewed, LookEvery how often observers look, IdleLookEvery how often
// where they saw nothing to do and nobody at work. A killed worker's jobs are in line
// again after LeaseTime and three looks.
const (
	LeaseTime = 8 * time.Second
	BeatEvery = 2 * time.Second
	LookEvery = time.Second

	IdleLookEvery = 2 * LookEvery
	// TrustMargin is how long before LeaseTime is over a worker stops trusting
	// its own lease: room for the difference of two clocks' speeds.
	TrustMargin = time.Second

	// maxGap is the longest time between two looks at an unchanged lease. An
	// observer that looked away cannot say that the lease was not renewed.
	maxGap = 3 * LookEvery
)

// Watch tells dead leases from live ones by the observer's own monotonic clock: a
// lease is dead when the same score was seen for all of LeaseTime. So neither an
// outage nor a jump of Redis's clock makes a healthy worker look dead. The idea is
// that of Kubernetes' leader election.
type Watch struct {
	mu   sync.Mutex
	seen map[*Partition]map[string]sighting // by lease
}

type sighting struct {
	value       string
	first, last time.Time
}

// NewWatch makes a Watch that has seen nothing yet.
func NewWatch() *Watch { return &Watch{seen: map[*Partition]map[string]sighting{}} }

// Look takes in an observation made at a time between asked and now, and gives the
// leases that are dead or condemned already, with the scores under which they were
// watched.
func (w *Watch) Look(o *Observation, asked, now time.Time) []Score {
	w.mu.Lock()
	defer w.mu.Unlock()
	leases := w.seen[o.Partition]
	if leases == nil && len(o.Leases) > 0 {
		leases = map[string]sighting{}
		w.seen[o.Partition] = leases
	}
	var dead []Score
	for _, score := range o.Leases {
		s, known := leases[score.Lease]
		if !known || s.value != score.Value || asked.Sub(s.last) > maxGap {
			s = sighting{value: score.Value, first: now}
		}
		s.last = now
		leases[score.Lease] = s
		if score.Value == "0" || asked.Sub(s.first) >= LeaseTime {
			dead = append(dead, score)
		}
	}
	for lease, s := range leases {
		if now.Sub(s.last) > maxGap { // a lease that is gone
			delete(leases, lease)
		}
	}
	return dead
}
