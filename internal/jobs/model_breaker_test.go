package jobs

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/drayhorse/drayhorse"
)

// modelBreaker is the breaker of a limit.
type modelBreaker struct {
	rate, least, window, cool, probes int64

	state    string     // c, o or h
	n, since int64      // as its row has them
	buckets  [][2]int64 // failed and all, the last ones first, while it is closed
	tried    []string   // probes that run, while it is half-open
}

// breakerOf is a new one, as a limit has it; nil: it has none.
func breakerOf(limit *drayhorse.Limit) *modelBreaker {
	rate, least, window, cool, probes, ok := limit.Breaker.Terms()
	if !ok {
		return nil
	}
	return &modelBreaker{int64(rate), int64(least), window, cool, int64(probes), "c", 0, 0, nil, nil}
}

// room is how many jobs it lets start, and from when on if it is none.
func (b *modelBreaker) room(now int64) (left, opens int64) {
	switch {
	case b.state == "o" && isClosed(b.n, b.since, now):
		return 0, b.n
	case b.state == "o":
		return b.probes, 0
	case b.state == "c":
		return 1000, 0
	}
	if left = max(b.probes-b.n-int64(len(b.tried)), 0); left == 0 {
		opens = startFar
	}
	return left, opens
}

// started notes jobs that have started.
func (b *modelBreaker) started(ids []string, now int64) {
	if b == nil || len(ids) == 0 || b.state == "c" {
		return
	}
	if b.state == "o" {
		b.state, b.n, b.since = "h", 0, now
	}
	b.tried = append(slices.Clone(b.tried), ids...)
}

// open has it open.
func (b *modelBreaker) open(now int64) {
	b.state, b.n, b.since, b.buckets, b.tried = "o", now+b.cool, now, nil, nil
}

// ended notes how a job has left running.
func (b *modelBreaker) ended(id string, outcome Outcome, now int64) {
	failed, tells := outcome == Fail || outcome == Exhaust, outcome == Fail || outcome == Exhaust || outcome == Complete
	switch {
	case b == nil:
	case b.state == "h" && slices.Contains(b.tried, id):
		b.tried = without(b.tried, id)
		if failed {
			b.open(now)
			return
		}
		if tells {
			b.n++
		}
		if b.n >= b.probes {
			b.state, b.n, b.since, b.tried = "c", 0, 0, nil
		}
	case b.state == "c" && tells:
		at := now / (b.window / 10)
		if at < b.n || at-b.n >= 10 {
			b.buckets = nil
		}
		for n := b.n; n < at && len(b.buckets) > 0 && len(b.buckets) < 20; n++ {
			b.buckets = slices.Insert(slices.Clone(b.buckets), 0, [2]int64{})
		}
		if len(b.buckets) == 0 {
			b.buckets = [][2]int64{{}}
		}
		b.buckets = slices.Clone(b.buckets[:min(len(b.buckets), 10)])
		b.n = at
		b.buckets[0][1]++
		if failed {
			b.buckets[0][0]++
		}
		var bad, all int64
		for _, bucket := range b.buckets {
			bad, all = bad+bucket[0], all+bucket[1]
		}
		if all >= b.least && bad*1000 >= b.rate*all {
			b.open(now)
		}
	}
}

// row is what meta has of it.
func (b *modelBreaker) row() string {
	if b == nil || b.state == "c" && b.buckets == nil {
		return ""
	}
	var rest strings.Builder
	for _, bucket := range b.buckets {
		fmt.Fprintf(&rest, "%d,%d;", bucket[0], bucket[1])
	}
	for _, id := range b.tried {
		rest.WriteString(string(rune(len(id))) + id)
	}
	return fmt.Sprintf("%s|%d|%d|%s", b.state, b.n, b.since, rest.String())
}

// breakers gives those of the limits that a job meets.
func (m *model) breakers(j *modelJob) []*modelBreaker {
	all := []*modelBreaker{m.limit.breaker}
	if k := m.kinds[j.kind()]; k != nil {
		all = append(all, k.limit.breaker)
	}
	return all
}

// tellBreakers tells them how a job leaves running; "": so that it tells nothing.
func (m *model) tellBreakers(j *modelJob, outcome Outcome, now int64) {
	for _, b := range m.breakers(j) {
		b.ended(j.id, outcome, now)
	}
	some := m.limit.breaker != nil
	for _, k := range m.kinds {
		some = some || k.limit.breaker != nil
	}
	if some {
		m.barred = nil // one may be tried
	}
}

// drawBreaker draws the breaker of a limit, if it has one.
func drawBreaker(t *rapid.T) (b drayhorse.Breaker) {
	if !chance(t, "breaker", 2) {
		return b
	}
	times := []time.Duration{time.Second, time.Hour}
	return drayhorse.Breaker{
		Rate: rapid.SampledFrom([]float64{0.1, 0.5, 1}).Draw(t, "share"), Min: rapid.IntRange(1, 3).Draw(t, "least"),
		Window: rapid.SampledFrom(times).Draw(t, "window"), Probes: rapid.IntRange(0, 2).Draw(t, "probes"),
		CoolDown: rapid.SampledFrom([]time.Duration{100 * time.Millisecond, time.Hour}).Draw(t, "cool down"),
	}
}

// coolDown lets the time pass for which breakers are open, or in which they count.
func (w *world) coolDown(*rapid.T) {
	all := map[string]*modelBreaker{"l": w.model.limit.breaker}
	if k := w.model.kinds["a"]; k != nil {
		all["k"] = k.limit.breaker
	}
	for name, b := range all {
		switch {
		case b == nil || b.row() == "" || b.state == "h":
			continue
		case b.state == "o":
			b.n = b.since
		default:
			b.n -= 20
		}
		w.engine.client.HSet(w.ctx, w.p.key(colMeta), "brk:"+name, b.row())
	}
}
