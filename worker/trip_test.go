package worker

import (
	"testing"
	"time"
)

func TestTripsGoByTheShortest(t *testing.T) {
	t.Parallel()
	var trips trips
	now := time.Now()
	if trips.far() {
		t.Error("far before the first round trip")
	}
	for _, step := range []struct {
		after, took time.Duration
		far         bool
	}{
		{0, 5 * time.Millisecond, true},
		{0, 200 * time.Microsecond, false},
		{time.Second, 5 * time.Millisecond, false}, // it carried much
		{tripWindow, 5 * time.Millisecond, false},  // the short one counts for one more window
		{tripWindow + 1, 5 * time.Millisecond, true},
	} {
		now = now.Add(step.after)
		trips.add(now, step.took)
		if trips.far() != step.far {
			t.Errorf("far is %v after %v, want %v", trips.far(), step, step.far)
		}
	}
}

// TestFetchersHearOfTheDistance: another one may have to take up what is hot.
func TestFetchersHearOfTheDistance(t *testing.T) {
	t.Parallel()
	s, first := offline(t, 1, 1)
	second := newFetcher(s, 1)
	s.fetchers = []*fetcher{first, second}
	heard := func() bool { return len(first.wake) == 1 && len(second.wake) == 1 }
	s.measure(time.Now().Add(-time.Second))
	if !second.claims() || !heard() {
		t.Error("Redis is far, and not all fetchers claim or have heard of it")
	}
	<-first.wake
	<-second.wake
	s.measure(time.Now())
	if second.claims() || !heard() {
		t.Error("Redis is near, and the first fetcher does not claim for all or has not heard of it")
	}
}
