package worker

import (
	"math/rand/v2"
	"sync"
)

// hotLines are the lines that seem to have something to claim. To pick one of them
// costs the same among ten and among ten thousand.
type hotLines struct {
	mu    sync.Mutex
	tiers []*tier // the heaviest first
}

// tier is the lines of one weight.
type tier struct {
	weight int
	hot    []*line
}

// tier gives that of a weight. Weights come in descending order.
func (h *hotLines) tier(weight int) *tier {
	last := len(h.tiers) - 1
	if last < 0 || h.tiers[last].weight != weight {
		h.tiers = append(h.tiers, &tier{weight: weight})
		last++
	}
	return h.tiers[last]
}

func (h *hotLines) add(l *line) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if l.hotAt < 0 {
		l.hotAt = len(l.tier.hot)
		l.tier.hot = append(l.tier.hot, l)
	}
}

func (h *hotLines) remove(l *line) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if l.hotAt < 0 {
		return
	}
	hot := l.tier.hot
	last := hot[len(hot)-1]
	hot[l.hotAt], last.hotAt = last, l.hotAt
	hot[len(hot)-1] = nil
	l.tier.hot, l.hotAt = hot[:len(hot)-1], -1
}

func (h *hotLines) has(l *line) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return l.hotAt >= 0
}

func (h *hotLines) any() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range h.tiers {
		if len(t.hot) > 0 {
			return true
		}
	}
	return false
}

// pick gives a hot line at random: by weight, or in strict order one of the
// heaviest. One that is to be passed over gives way to the next that is not. nil:
// none is left.
func (h *hotLines) pick(strict bool, pass func(*line) bool) *line {
	h.mu.Lock()
	defer h.mu.Unlock()
	first := 0
	if !strict {
		first = h.tierByWeight()
	}
	for i := range h.tiers {
		hot := h.tiers[(first+i)%len(h.tiers)].hot
		if len(hot) == 0 {
			continue
		}
		at := rand.IntN(len(hot)) //nolint:gosec // not a secret
		for j := range hot {
			if l := hot[(at+j)%len(hot)]; !pass(l) {
				return l
			}
		}
	}
	return nil
}

// tierByWeight gives the number of a tier, as likely as its hot lines are heavy.
// Callers hold mu.
func (h *hotLines) tierByWeight() int {
	total := 0
	for _, t := range h.tiers {
		total += t.weight * len(t.hot)
	}
	if total == 0 {
		return 0
	}
	at := rand.IntN(total) //nolint:gosec // not a secret
	for i, t := range h.tiers {
		if at -= t.weight * len(t.hot); at < 0 {
			return i
		}
	}
	return 0 // cannot be: at was less than the total
}
