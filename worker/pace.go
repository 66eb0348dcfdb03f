package worker

import (
	"time"

	"github.com/drayhorse/drayhorse/internal/jobs"
)

const (
	// maxAhead is the most jobs that are claimed ahead of free slots: those of two calls
	// on the wire, and as many in line.
	maxAhead = 2 * maxOnWire * jobs.MaxClaims
	// busyTrips is how many times as long as the shortest a round trip is taken for.
	busyTrips = 5
	// shortestFor is for how long, at least, a round trip is remembered.
	shortestFor = 3 * time.Second
)

// pace says how many jobs to claim ahead of free slots, so that handlers have work
// while a turn is on its way to Redis and back. It follows what ended during the last
// round trips. Jobs that take long are not claimed ahead, also where many of them end
// in the same moment: others could run them meanwhile.
//
// It belongs to one fetch loop.
type pace struct {
	capacity *capacity

	begun       time.Time // of the last trip that began
	ended, busy int64     // the capacity's counts then
	trip        time.Duration
	shortest    shortest

	before, since float64       // jobs that end in the time of a trip, by the cycle before and by this one
	run           time.Duration // what a handler takes: rises at once, falls slowly
}

// depart notes that a round trip begins.
func (p *pace) depart(now time.Time) {
	p.update(now)
	p.begun, p.ended, p.busy = now, p.capacity.ended.Load(), p.capacity.busy.Load()
	p.before, p.since = p.since, 0
}

// arrive notes that one is over that began at begun.
func (p *pace) arrive(now, begun time.Time) {
	p.trip = now.Sub(begun)
	p.shortest.add(now, p.trip)
}

// update takes in what has ended since the last trip began: of quick handlers all may
// have ended before the next one begins.
func (p *pace) update(now time.Time) {
	ended, busy := p.endedSince(), p.capacity.busy.Load()-p.busy
	if ended == 0 || p.trip == 0 {
		return
	}
	run := time.Duration(busy/ended) + 1
	p.run = max(run, p.run+(run-p.run)/4)
	expected := float64(ended) * float64(p.trip) / float64(now.Sub(p.begun))
	// As many as end if all slots are busy, during a trip of a machine that is busy, but
	// not as long as its worst: that would take slow jobs ahead.
	most := float64(p.capacity.slots) * float64(min(p.trip, busyTrips*p.shortest.of())) / float64(p.run)
	p.since = min(expected, most)
}

// endedSince is how many jobs have ended since the last trip began.
func (p *pace) endedSince() int64 { return p.capacity.ended.Load() - p.ended }

// ahead is how many jobs to have beyond the slots when a turn is sent: those that end
// while it is on its way are in line, as many more are what it brings, and as many have
// ended and are being told to Redis.
func (p *pace) ahead(now time.Time) int {
	p.update(now)
	return min(int(3*max(p.before, p.since)), maxAhead)
}

// shortest is the shortest round trip of the last seconds, which says how far Redis is: a
// longer one says more of how much it carried, or how busy both sides are.
type shortest struct {
	before, since time.Duration // of the window before and of this one; 0: there was none
	began         time.Time     // when this window began
}

func (s *shortest) add(now time.Time, trip time.Duration) {
	if now.Sub(s.began) > shortestFor {
		s.before, s.since, s.began = s.since, 0, now
	}
	if s.since == 0 || trip < s.since {
		s.since = trip
	}
}

func (s *shortest) of() time.Duration {
	if s.before > 0 && s.before < s.since {
		return s.before
	}
	return s.since
}
