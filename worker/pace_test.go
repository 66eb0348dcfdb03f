package worker

import (
	"testing"
	"time"
)

// TestPaceFollowsWhatEnds has jobs end during round trips.
func TestPaceFollowsWhatEnds(t *testing.T) {
	t.Parallel()
	const slots = 10
	tests := []struct {
		name     string
		trip     time.Duration
		run      time.Duration // of a handler
		ended    int           // in each round trip
		min, max int
	}{
		{"quick handlers, far", time.Millisecond, time.Microsecond, 60, 180, 180},
		{"quicker than turns can bring", time.Millisecond, time.Microsecond, 5000, maxAhead, maxAhead},
		{"handlers as long as a trip", time.Millisecond, time.Millisecond, slots, 3*slots - 1, 3 * slots},
		{"slow handlers that end together", time.Millisecond, time.Second, slots, 0, 0},
		{"nothing ends", time.Millisecond, 0, 0, 0, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newCapacity(slots, func() {})
			p := pace{capacity: c}
			now := time.Now()
			for i := range 20 {
				p.depart(now)
				now = now.Add(test.trip)
				if i%2 == 0 { // after the trip, in no time
					p.arrive(now, p.begun)
				}
				for range test.ended {
					c.ran(test.run)
				}
				if i%2 == 1 { // meanwhile
					p.arrive(now, p.begun)
				}
			}
			if got := p.ahead(now); got < test.min || got > test.max {
				t.Errorf("%d jobs are claimed ahead, want %d to %d", got, test.min, test.max)
			}
		})
	}
}

// TestSlowTripsTakeNoSlowJobsAhead: a busy machine makes round trips as long as jobs.
func TestSlowTripsTakeNoSlowJobsAhead(t *testing.T) {
	t.Parallel()
	const slots = 50
	c := newCapacity(slots, func() {})
	p := pace{capacity: c}
	now := time.Now()
	for _, trip := range []time.Duration{2 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond} {
		p.depart(now)
		now = now.Add(trip)
		p.arrive(now, p.begun)
		for range slots {
			c.ran(time.Second)
		}
		if got := p.ahead(now); got > 2 {
			t.Errorf("%d jobs of a second are claimed ahead after a trip of %v, want 2 at most", got, trip)
		}
	}
}

// TestPaceFallsWhenNothingEnds: what was quick may have become slow.
func TestPaceFallsWhenNothingEnds(t *testing.T) {
	t.Parallel()
	c := newCapacity(10, func() {})
	p := pace{capacity: c}
	now := time.Now()
	p.depart(now)
	for range 100 {
		c.ran(time.Microsecond)
	}
	now = now.Add(time.Millisecond)
	p.arrive(now, p.begun)
	before := p.ahead(now)
	for range 2 {
		p.depart(now)
		now = now.Add(time.Millisecond)
		p.arrive(now, p.begun)
	}
	if before != 300 || p.ahead(now) != 0 {
		t.Errorf("ahead fell from %d to %d, want from 300 to 0", before, p.ahead(now))
	}
}

func TestCapacityTellsOfTheFirstFreeSlot(t *testing.T) {
	t.Parallel()
	told := 0
	c := newCapacity(2, func() { told++ })
	for _, step := range []struct{ take, ahead, got, give, told int }{
		{take: 5, got: 2},
		{take: 5, ahead: 3, got: 3},          // three ahead
		{give: 3},                            // which leaves no slot free
		{give: 1, told: 1},                   // the first
		{give: 1, told: 1},                   // one more
		{give: -3, told: 1},                  // claimed without a reservation
		{take: 1, told: 1},                   // none
		{take: 4, ahead: 2, got: 1, told: 1}, // one is ahead already
	} {
		if got := c.take(step.take, step.ahead); got != step.got {
			t.Errorf("%+v: took %d", step, got)
		}
		c.give(step.give)
		if told != step.told {
			t.Errorf("%+v: told %d times", step, told)
		}
	}
}
