package board

import (
	"time"

	"github.com/drayhorse/drayhorse/admin"
)

// point is the totals of a queue at one moment.
type point struct {
	at                     time.Time // by Redis's clock
	enqueued, ended, fails int64
}

func pointOf(q *admin.Queue) point {
	return point{
		at: q.Now, enqueued: q.Totals["enqueued"], fails: q.Totals["failed"],
		ended: q.Totals["completed"] + q.Totals["cancelled"] + q.Totals["discarded"],
	}
}

func (p *point) add(o point) {
	p.enqueued, p.ended, p.fails = p.enqueued+o.enqueued, p.ended+o.ended, p.fails+o.fails
	if o.at.After(p.at) {
		p.at = o.at
	}
}

// history is the points of one span, oldest first.
type history struct {
	step    time.Duration
	steps   int
	aligned bool
	points  []point
}

func (h *history) span() time.Duration { return time.Duration(h.steps) * h.step }

// add adds a point. Where totals fall, a queue was deleted or Redis lost something: what
// was before says nothing of rates.
func (h *history) add(p point) {
	if n := len(h.points); n > 0 {
		last := h.points[n-1]
		if !p.at.After(last.at) {
			return
		}
		if p.enqueued < last.enqueued || p.ended < last.ended || p.fails < last.fails {
			h.points = nil
		}
	}
	h.points = append(h.points, p)
	for len(h.points) > 1 && h.points[1].at.Before(p.at.Add(-h.span())) {
		h.points = h.points[1:]
	}
}

// Rates are jobs a second, in equal steps, the last one until now; negative where nothing is
// known.
type Rates struct {
	In, Out, Fails []float64 // put in, ended, attempts that failed
	// NowIn and the others are those of the last steps that are known; negative: none.
	NowIn, NowOut, NowFails float64
}

// rates spreads what happened between two points evenly over the time between them.
func (h *history) rates(now time.Time) Rates {
	r := Rates{In: h.unknown(), Out: h.unknown(), Fails: h.unknown(), NowIn: -1, NowOut: -1, NowFails: -1}
	end := now
	if h.aligned {
		end = now.Truncate(h.step).Add(h.step)
	}
	began := end.Add(-h.span())
	for i := range h.steps {
		from := began.Add(time.Duration(i) * h.step)
		if in, out, fails, ok := h.between(from, from.Add(h.step)); ok {
			r.In[i], r.Out[i], r.Fails[i] = in, out, fails
		}
	}
	if in, out, fails, ok := h.between(now.Add(-h.step), now); ok {
		r.NowIn, r.NowOut, r.NowFails = in, out, fails
	}
	return r
}

func (h *history) unknown() []float64 {
	all := make([]float64, h.steps)
	for i := range all {
		all[i] = -1
	}
	return all
}

// between gives the rates of a stretch of time, of that part of it that is known.
func (h *history) between(from, to time.Time) (in, out, fails float64, ok bool) {
	var known float64
	for i := 1; i < len(h.points); i++ {
		a, b := h.points[i-1], h.points[i]
		if !b.at.After(from) || !a.at.Before(to) {
			continue
		}
		begin, end := a.at, b.at
		if begin.Before(from) {
			begin = from
		}
		if end.After(to) {
			end = to
		}
		share := end.Sub(begin).Seconds() / b.at.Sub(a.at).Seconds()
		known += end.Sub(begin).Seconds()
		in += share * float64(b.enqueued-a.enqueued)
		out += share * float64(b.ended-a.ended)
		fails += share * float64(b.fails-a.fails)
	}
	if known <= 0 {
		return 0, 0, 0, false
	}
	return in / known, out / known, fails / known, true
}
