package worker

import "github.com/drayhorse/drayhorse/internal/jobs"

const (
	// maxClaimed is how many lines one round trip claims from.
	maxClaimed = 16
	// pairSlots is from how many slots on there are two claimers.
	pairSlots = 64
)

// claimers is how many of the fetchers claim jobs, and share how many slots each takes
// along in one round trip. Where Redis is far, all claim, since one turn on the wire
// would leave handlers idle. Where it is near, two do, for half of the slots each:
// handlers run what one has claimed while Redis is at the turn of the other. Of few slots
// one claims all, since half of them would make turns too small.
func (s *session) claimers() (claimers, share int) {
	slots := s.cfg.Concurrency
	switch {
	case s.far.Load():
		return len(s.fetchers), slots
	case slots >= pairSlots:
		return 2, (slots + 1) / 2
	default:
		return 1, slots
	}
}

// claims reports whether this fetcher claims jobs.
func (f *fetcher) claims() bool {
	claimers, _ := f.session.claimers()
	return f.index < claimers
}

// claim reserves free slots for lines that have jobs and has their holdings ask for
// them, and gives these together with the turns that are to be made anyway. What is
// then left of the slots is for the last line: it may have more than is known.
func (f *fetcher) claim(turns []*holding) []*holding {
	s := f.session
	if s.isClosing() || !f.claims() {
		return turns
	}
	if !s.slots.any() {
		if s.hot.any() {
			s.nudge()
		}
		return turns
	}
	var first, last *holding
	_, share := s.claimers()
	for range maxClaimed {
		l := s.hot.pick(s.cfg.StrictOrder, f.passesOver)
		if l == nil || (first != nil && s.cfg.StrictOrder && l.weight < first.line.weight) {
			break
		}
		expected, lanes := l.claimable()
		n := s.slots.take(min(max(expected, 1), jobs.MaxClaims, share))
		if n == 0 {
			break
		}
		share -= n
		last = f.hold(l)
		if last.pending == nil {
			last.pending = &jobs.Turn{Lease: last.Lease}
			turns = append(turns, last)
		}
		last.reserved, last.pending.Want, last.pending.Lanes = n, n, lanes
		if first == nil {
			first = last
			first.suspect = s.suspect.CompareAndSwap(false, true)
			first.pending.Suspect = first.suspect
		}
	}
	if last != nil {
		last.reserved += s.slots.take(min(jobs.MaxClaims-last.reserved, share))
		last.pending.Want = last.reserved
	}
	return turns
}

// passesOver reports whether no claim is to be made from a line now: the last call about
// it had no answer, a turn on it claims already, or one waits to be made again and so
// stays as it is.
func (f *fetcher) passesOver(l *line) bool {
	h := f.held[l]
	return l.away.Load() || (h != nil && (h.claims() || !h.asked.IsZero()))
}
