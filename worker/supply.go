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

// pick gives a claimable source at random: by weight, or in strict order one of the
// heaviest. One that is to be passed over gives way to the next that is not. nil: none
// is left.
func (s *supply) pick(passesOver func(*source) bool) *source {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := 0
	if !s.strict {
		first = s.tierByWeight()
	}
	for i := range s.tiers {
		claimable := s.tiers[(first+i)%len(s.tiers)].claimable
		if len(claimable) == 0 {
			continue
		}
		at := rand.IntN(len(claimable)) //nolint:gosec // not a secret
		for j := range claimable {
			if src := claimable[(at+j)%len(claimable)]; !passesOver(src) {
				return src
			}
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

// tierByWeight gives the number of a tier, as likely as its claimable sources are heavy.
// Callers hold mu.
func (s *supply) tierByWeight() int {
	total := 0
	for _, t := range s.tiers {
		total += t.weight * len(t.claimable)
	}
	if total == 0 {
		return 0
	}
	at := rand.IntN(total) //nolint:gosec // not a secret
	for i, t := range s.tiers {
		if at -= t.weight * len(t.claimable); at < 0 {
			return i
		}
	}
	return 0 // cannot be: at was less than the total
}

// served keeps the lanes of kinds that this worker has a handler for, and those of groups, where it
// takes what it has one for.
func (s *supply) served(kinds []string) []string {
	if len(kinds) == 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(kinds), func(kind string) bool { return !jobs.IsOfGroup(kind) && !s.serves(kind) })
}
