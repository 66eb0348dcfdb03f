package worker

import (
	"slices"
	"time"

	"github.com/drayhorse/drayhorse/internal/jobs"
)

const (
	// maxClaimed is how many sources one round trip claims from.
	maxClaimed = 16
	// maxClaimBytes is the most that the jobs of one round trip may have, and
	// minClaimBytes what each of its turns may have.
	maxClaimBytes, minClaimBytes = 1 << 20, 64 << 10
)

// claim has leases ask for jobs where there are some and gives them, together with those
// whose turns are to be made anyway.
func (f *fetcher) claim(leases []*lease, now time.Time) []*lease {
	if !f.claims || f.phase.isClosing() {
		return leases
	}
	ahead := f.pace.ahead(now) - f.untoldBeside(leases)
	if f.mate != nil && f.mate.isWaiting() {
		if f.supply.any() || f.mayTry(now) { // its wait is over then, and it claims
			f.mate.interruptWait()
		}
		return leases
	}
	if f.capacity.room(ahead) == 0 {
		return leases
	}
	if trial := f.beginTrial(now); trial != nil {
		leases = append(leases, trial)
	}
	asked := f.share(now, ahead)
	for _, l := range asked {
		if l.turn.Turn == nil {
			l.turn.Turn = &jobs.Turn{Lease: l.Lease}
			leases = append(leases, l)
		}
		l.turn.Want, l.turn.Bytes = l.turn.reserved, max(maxClaimBytes/len(asked), minClaimBytes)
		_, l.turn.Lanes = l.source.claimable()
	}
	return leases
}

// untoldBeside is how many jobs of the node have ended and are still this worker's as Redis
// sees it, but for those that the turns of these leases finish: their slots are free, and
// to fill them now would have the worker hold more than it can run.
func (f *fetcher) untoldBeside(leases []*lease) int {
	n := f.untold.Load()
	for _, l := range leases {
		if !l.stalled {
			n -= int64(len(l.turn.Finishes))
		}
	}
	if f.mate != nil {
		n += f.mate.untold.Load()
	}
	return int(n)
}

// share shares the room out among sources that have jobs, in parts, so that the weights
// hold within a round trip too, and gives the leases that ask for them. What is left goes
// to the last one: it may have more than is known.
func (f *fetcher) share(now time.Time, ahead int) (asked []*lease) {
	part := jobs.MaxClaims
	if f.supply.claimable() > 1 {
		part = (f.capacity.room(ahead) + maxClaimed - 1) / maxClaimed
	}
	var last *lease
	for range maxClaimed {
		s := f.pick(now, asked)
		if s == nil || (len(asked) > 0 && f.supply.strict && s.weight < asked[0].source.weight) {
			break
		}
		l := f.leaseOf(s)
		expected, _ := s.claimable()
		n := f.capacity.take(min(part, max(expected-l.turn.reserved, 1)), ahead)
		if n == 0 {
			break
		}
		if l.turn.reserved == 0 {
			asked = append(asked, l)
		}
		l.turn.reserved += n
		last = l
	}
	if last == nil {
		return nil
	}
	last.turn.reserved += f.capacity.take(jobs.MaxClaims-last.turn.reserved, ahead)
	return asked
}

// pick gives a source to claim from; asked are those that this round trip claims from
// already. One on another node is for that node's claimer, which is told to claim from it,
// unless it is busy with a round trip; in strict order that is waited for.
func (f *fetcher) pick(now time.Time, asked []*lease) *source {
	if s := f.assigned.Swap(nil); s != nil && s.isClaimable() && s.isOn(f.addr) && !f.passesOver(s, now, asked) {
		return s
	}
	s := f.supply.pick(func(s *source) bool {
		if s.isOn(f.addr) {
			return f.passesOver(s, now, asked)
		}
		other := f.claimerOf(s)
		return other == nil || s.isResting(now) || (!f.supply.strict && other.onWire.Load() > 0)
	})
	if s == nil || s.isOn(f.addr) {
		return s
	}
	if other := f.claimerOf(s); other != nil {
		other.assigned.Store(s)
		other.wake()
	}
	return nil
}

// claimerOf gives the claimer of a source's node.
func (f *fetcher) claimerOf(s *source) *fetcher {
	for _, other := range f.others() {
		if s.isOn(other.addr) {
			return other
		}
	}
	return nil
}

// passesOver reports whether no claim is to be made from a source now: it is left alone
// after a failure, turns on all its leases have no answer yet, or this round trip asks it
// for all that it has or may give.
func (f *fetcher) passesOver(s *source, now time.Time, asked []*lease) bool {
	if s.isResting(now) {
		return true
	}
	key, ok := f.freeLease(s)
	if !ok {
		return true
	}
	l := f.held[key]
	if l == nil || l.turn.reserved == 0 {
		return false
	}
	expected, _ := s.claimable()
	return !slices.Contains(asked, l) || l.turn.reserved >= min(expected, jobs.MaxClaims)
}
