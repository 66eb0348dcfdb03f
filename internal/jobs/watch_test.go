package jobs

import (
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// lookAt gives a Watch a look at one lease, and says whether it is dead.
func lookAt(w *Watch, p *Partition, second float64, value string) bool {
	start := time.Unix(1_000_000, 0)
	now := start.Add(time.Duration(second * float64(time.Second)))
	o := &Observation{Partition: p}
	if value != "" {
		o.Leases = []Score{{"lease", value}}
	}
	return len(w.Look(o, now, now)) > 0
}

func TestWatchFindsTheDead(t *testing.T) {
	t.Parallel()
	w, p := NewWatch(), &Partition{}
	for second := range 8 {
		if lookAt(w, p, float64(second), "7") {
			t.Fatalf("dead after %d s", second)
		}
	}
	if !lookAt(w, p, 8, "7") || !lookAt(w, p, 9, "7") {
		t.Fatal("alive after 8 s without a renewal")
	}
	if lookAt(w, p, 10, "8") {
		t.Fatal("renewed, and dead all the same")
	}
}

func TestWatchStartsAnewAfterAGap(t *testing.T) {
	t.Parallel()
	w, p := NewWatch(), &Partition{}
	lookAt(w, p, 0, "7")
	if lookAt(w, p, 60, "7") || lookAt(w, p, 63, "7") || lookAt(w, p, 66, "7") {
		t.Fatal("dead by an observer that looked away")
	}
	if !lookAt(w, p, 68, "7") {
		t.Fatal("alive after 8 s of looking")
	}
}

func TestWatchKnowsTheCondemned(t *testing.T) {
	t.Parallel()
	if !lookAt(NewWatch(), &Partition{}, 0, "0") {
		t.Fatal("a condemned lease is to be taken up at once")
	}
}

func TestWatchForgetsWhatIsGone(t *testing.T) {
	t.Parallel()
	w, p, other := NewWatch(), &Partition{}, &Partition{}
	lookAt(w, p, 0, "7")
	lookAt(w, other, 0, "7")
	lookAt(w, p, 4, "")
	if len(w.seen[p]) != 0 || len(w.seen[other]) != 1 {
		t.Fatalf("%d and %d leases are kept, want none and the other partition's", len(w.seen[p]), len(w.seen[other]))
	}
}

// promised is within what time the jobs of a worker that dies are to run elsewhere.
const promised = 12 * time.Second

// TestWatchNeverCondemnsTheHealthy: whatever Redis's clock does, and however long
// Redis is away, a worker that renews within two beats of being able to is never
// found dead; and one that stopped is found dead soon.
func TestWatchNeverCondemnsTheHealthy(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := newWatchScene(t)
		for s.now < 5*time.Minute {
			if dead := s.step(t); dead && s.stopped == 0 {
				t.Fatalf("at %v: a healthy lease was found dead; outages %v", s.now, s.outages)
			}
		}
		if s.stopped != 0 && s.found == 0 {
			t.Fatalf("stopped at %v, never found dead; outages %v", s.stopped, s.outages)
		}
		if s.stopped != 0 && s.found-max(s.stopped, s.lastOutage()) > promised {
			t.Fatalf("stopped at %v, found dead at %v", s.stopped, s.found)
		}
	})
}

// watchScene is a worker, an observer and Redis between them, in steps of 100 ms.
type watchScene struct {
	now              time.Duration
	skew             time.Duration // of Redis's clock
	outages          [][2]time.Duration
	nextBeat, look   time.Duration
	score            string
	stopped, found   time.Duration
	watch            *Watch
	partition        *Partition
	start            time.Time
	jumpAt, stopFrom time.Duration
}

func newWatchScene(t *rapid.T) *watchScene {
	s := &watchScene{watch: NewWatch(), partition: &Partition{}, start: time.Unix(1_000_000, 0), score: "1"}
	at := time.Duration(0)
	for range rapid.IntRange(0, 3).Draw(t, "outages") {
		at += time.Duration(rapid.IntRange(150, 600).Draw(t, "up")) * 100 * time.Millisecond
		end := at + time.Duration(rapid.IntRange(1, 600).Draw(t, "down"))*100*time.Millisecond
		s.outages = append(s.outages, [2]time.Duration{at, end})
		at = end
	}
	s.jumpAt = time.Duration(rapid.IntRange(1, 2000).Draw(t, "jump at")) * 100 * time.Millisecond
	if rapid.Bool().Draw(t, "stops") {
		s.stopFrom = time.Duration(rapid.IntRange(1, 2000).Draw(t, "stops at")) * 100 * time.Millisecond
	}
	s.look = time.Duration(rapid.IntRange(0, 9).Draw(t, "phase")) * 100 * time.Millisecond
	return s
}

func (s *watchScene) lastOutage() time.Duration {
	if len(s.outages) == 0 {
		return 0
	}
	return s.outages[len(s.outages)-1][1]
}

func (s *watchScene) away() bool {
	for _, o := range s.outages {
		if s.now >= o[0] && s.now < o[1] {
			return true
		}
	}
	return false
}

// step lets 100 ms pass and says whether the observer found the lease dead.
func (s *watchScene) step(t *rapid.T) bool {
	s.now += 100 * time.Millisecond
	if s.now == s.jumpAt {
		s.skew += rapid.SampledFrom([]time.Duration{time.Hour, -time.Hour}).Draw(t, "jump")
	}
	if s.stopFrom != 0 && s.now >= s.stopFrom && s.stopped == 0 {
		s.stopped = s.now
	}
	if s.stopped == 0 && s.now >= s.nextBeat {
		s.nextBeat = s.now + BeatEvery
		if !s.away() {
			s.score = strconv.FormatInt(s.start.Add(s.now+s.skew).UnixMilli(), 10)
		}
	}
	if s.now < s.look || s.away() {
		return false
	}
	s.look = s.now + LookEvery
	now := s.start.Add(s.now)
	dead := len(s.watch.Look(&Observation{Partition: s.partition, Leases: []Score{{"lease", s.score}}}, now, now)) > 0
	if dead && s.found == 0 {
		s.found = s.now
	}
	return dead
}
