package worker

import "github.com/drayhorse/drayhorse/internal/jobs"

// maxClaimed is how many lines one round trip claims from.
const maxClaimed = 16

// claims reports whether this fetcher claims jobs. Where Redis is near, one does for
// all: its turns are fewer and larger than those of several would be. Where it is
// far, they claim beside each other, since one turn on the wire would leave handlers
// idle.
func (f *fetcher) claims() bool { return f.index == 0 || f.session.far.Load() }

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
	for range maxClaimed {
		l := s.hot.pick(s.cfg.StrictOrder, f.passesOver)
		if l == nil || (first != nil && s.cfg.StrictOrder && l.weight < first.line.weight) {
			break
		}
		expected, lanes := l.claimable()
		n := s.slots.take(min(max(expected, 1), jobs.MaxClaims))
		if n == 0 {
			break
		}
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
		last.reserved += s.slots.take(jobs.MaxClaims - last.reserved)
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
