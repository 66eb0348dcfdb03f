package worker

import (
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/drayhorse/drayhorse/internal/jobs"
)

// supply is the sources that a worker claims from, and which of them seem to have
// something to claim. To pick one of those costs the same among ten and among ten
// thousand.
type supply struct {
	strict      bool // the heavier sources are drained first
	serves      func(kind string) bool
	onClaimable func(*source) // there is something to claim
	onQuiet     func(*source) // there is nothing to claim any more

	suspected atomic.Int64 // sources with suspects that wait for a trial

	mu      sync.Mutex
	sources []*source // the heaviest first
	tiers   []*tier   // the heaviest first
}

// tier is the sources of one weight that have something to claim.
type tier struct {
	weight    int
	claimable []*source
	credit    int // how far the picks are behind its share
}

// append adds sources to the supply.
func (s *supply) append(sources ...*source) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := append(slices.Clone(s.sources), sources...)
	slices.SortStableFunc(all, func(a, b *source) int { return b.weight - a.weight })
	for _, src := range sources {
		src.tier = s.tier(src.weight)
	}
	s.sources = all
}

// tier gives that of a weight. Callers hold mu.
func (s *supply) tier(weight int) *tier {
	at, found := slices.BinarySearchFunc(s.tiers, weight, func(t *tier, weight int) int { return weight - t.weight })
	if !found {
		s.tiers = slices.Insert(s.tiers, at, &tier{weight: weight})
	}
	return s.tiers[at]
}

// all gives all sources, the heaviest first.
func (s *supply) all() []*source {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sources // which is replaced, never changed
}

// on gives the sources on the node of that address.
func (s *supply) on(addr string) []*source {
	all := s.all()
	if addr == "" {
		return all // no Cluster
	}
	var there []*source
	for _, src := range all {
		if src.isOn(addr) {
			there = append(there, src)
		}
	}
	return there
}

func (s *supply) add(src *source) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if src.at < 0 {
		src.at = len(src.tier.claimable)
		src.tier.claimable = append(src.tier.claimable, src)
	}
}

func (s *supply) remove(src *source) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if src.at < 0 {
		return
	}
	claimable := src.tier.claimable
	last := len(claimable) - 1
	claimable[src.at], claimable[last].at = claimable[last], src.at
	claimable[last] = nil
	src.tier.claimable, src.at = claimable[:last], -1
}

func (s *supply) has(src *source) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return src.at >= 0
}

// any reports whether there seems to be something to claim.
func (s *supply) any() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.tiers, func(t *tier) bool { return len(t.claimable) > 0 })
}

// claimable is how many sources seem to have something to claim.
func (s *supply) claimable() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.tiers {
		n += len(t.claimable)
	}
	return n
}

// pick gives a claimable source that is not to be passed over: in strict order one of the heaviest;
// or, as the weights have it, one of the tier that is furthest behind its share of the picks, which is the
// smooth weighted round robin of nginx. Among sources of one weight it is chance. nil: none is left.
func (s *supply) pick(passesOver func(*source) bool) *source {
	s.mu.Lock()
	defer s.mu.Unlock()
	total := 0
	for _, t := range s.tiers {
		total += t.share()
	}
	var from *tier
	var picked *source
	for _, t := range s.tiers {
		if from != nil && (s.strict || t.due(total) <= from.due(total)) {
			continue
		}
		if src := t.pick(passesOver); src != nil {
			from, picked = t, src
		}
	}
	if from != nil {
		for _, t := range s.tiers {
			t.credit = t.due(total)
		}
		from.credit -= total
	}
	return picked
}

// share is how much of the picks the tier is to have, relative to others.
func (t *tier) share() int { return t.weight * len(t.claimable) }

// due is how far the picks are behind the tier's share with the next one. It is never more than a round
// of picks, either way: who was passed over for long does not get all of that back, and who had others' shares
// while those had no jobs does not pay for it.
func (t *tier) due(total int) int { return max(min(t.credit+t.share(), total), -total) }

// pick gives one of the tier's sources that is not to be passed over, or nil.
func (t *tier) pick(passesOver func(*source) bool) *source {
	n := len(t.claimable)
	if n == 0 {
		return nil
	}
	at := rand.IntN(n) //nolint:gosec // not a secret
	for i := range n {
		if src := t.claimable[(at+i)%n]; !passesOver(src) {
			return src
		}
	}
	return nil
}

// withSuspects gives a source on the node of that address with suspects that wait for a
// trial, or nil.
func (s *supply) withSuspects(addr string, now time.Time) *source {
	if s.suspected.Load() == 0 {
		return nil
	}
	for _, src := range s.on(addr) {
		if src.suspects.Load() > 0 && !src.isResting(now) {
			return src
		}
	}
	return nil
}

// served keeps the lanes of kinds that this worker has a handler for, and those of groups, where it
// takes what it has one for.
func (s *supply) served(kinds []string) []string {
	if len(kinds) == 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(kinds), func(kind string) bool { return !jobs.IsOfGroup(kind) && !s.serves(kind) })
}
