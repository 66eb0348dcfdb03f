package dashboard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/figures"
	"github.com/drayhorse/drayhorse/internal/logs"
)

// stretch is a time up to now.
type stretch struct {
	name string // as the parameter range has it
	said string
	span time.Duration
}

// ranges are those that history is shown of.
var ranges = []stretch{
	{"1h", "1 hour", time.Hour}, {"24h", "24 hours", 24 * time.Hour}, {"72h", "72 hours", 72 * time.Hour}, {"90d", "90 days", 90 * 24 * time.Hour},
}

// history is what ended over a stretch of time, and how long it waited and ran.
type history struct {
	Ranges  []rangeTab
	Kinds   []kindRow
	Others  int // kinds that are not listed
	Said    string
	Step    string
	Charts  []historyChart
	Marks   []markRow // the latest first, those of the charts
	Total   admin.Point
	Partial string // of which queues it is, where that is not all
	Problem string // why there is none; "": there is
}

// rangeTab is one of the ranges to choose from.
type rangeTab struct {
	Name, Said, Link string
	Chosen           bool
}

// kindRow is one kind of the history.
type kindRow struct {
	admin.KindPoint

	WaitP95, RunP50, RunP95 string
}

// historyChart is one of the charts, with what its curves are.
type historyChart struct {
	chart

	ID, Name string
	Legend   []legendEntry
	X        []string // what is written below: the beginning, the middle and the end
	Marks    []chartMark
}

// chartMark is a mark in a chart: a line, by its place in the box.
type chartMark struct {
	X, Text string
}

// markRow is a mark below the charts.
type markRow struct {
	admin.Mark

	When figures.Moment
}

const (
	marksDrawn  = 100 // in a chart, the latest
	marksListed = 5   // below the charts
)

// legendEntry says what a curve is, and how much that is of the whole.
type legendEntry struct{ Curve, Name, Value string }

const historyKinds = 10 // listed

// history reads what ended, for the queue or, if that is "", all that the user sees. Where it
// cannot be had, it says so: the page shows the rest.
func (q *request) history(page, queue string) (*history, error) {
	chosen := 0
	if name := q.value("range"); name != "" {
		if chosen = slices.IndexFunc(ranges, func(r stretch) bool { return r.name == name }); chosen < 0 {
			return nil, fmt.Errorf("%w: range %q; want 1h, 24h, 72h or 90d", drayhorse.ErrInvalid, clip(name))
		}
	}
	h := &history{Said: ranges[chosen].said}
	for i, r := range ranges {
		name := r.name
		if i == 0 {
			name = "" // the usual one
		}
		h.Ranges = append(h.Ranges, rangeTab{r.name, r.said, link(page, "queue", queue, "range", name), i == chosen})
	}
	s, err := q.gate.series(q.r.Context(), queue, ranges[chosen].span)
	switch {
	case errors.Is(err, drayhorse.ErrUnavailable):
		return nil, err
	case err != nil:
		q.d.log.DebugContext(q.r.Context(), "history cannot be read", slog.String(logs.Error, err.Error()))
		h.Problem = refusalOf(err).text
		return h, nil
	}
	marks, err := q.gate.admin.Marks(q.r.Context(), s.From, s.To)
	if err != nil {
		q.d.log.DebugContext(q.r.Context(), "marks cannot be read", slog.String(logs.Error, err.Error())) // the charts are there
	}
	h.draw(s)
	h.mark(s, marks)
	return h, nil
}

// mark draws marks, and lists the latest.
func (h *history) mark(s *admin.Series, all []admin.Mark) {
	var drawn []chartMark
	for _, m := range all[max(len(all)-marksDrawn, 0):] {
		x := chartWidth * float64(m.At.Sub(s.From)) / float64(s.To.Sub(s.From))
		drawn = append(drawn, chartMark{fmt.Sprintf("%.1f", x), fmt.Sprintf("%s, %s", axisTime(m.At, s), m.Text)})
	}
	for i := range h.Charts {
		h.Charts[i].Marks = drawn
	}
	for _, m := range slices.Backward(all[max(len(all)-marksListed, 0):]) {
		h.Marks = append(h.Marks, markRow{m, figures.When(m.At, s.Now)})
	}
}

func (h *history) draw(s *admin.Series) {
	h.Total, h.Step = s.Total, figures.Rough(s.Step)
	if s.Read < s.Queues {
		h.Partial = fmt.Sprintf("Of the first %s of %s queues, by name.", figures.Count(s.Read), figures.Count(s.Queues))
	}
	x := []string{axisTime(s.From, s), axisTime(s.From.Add(s.To.Sub(s.From)/2), s), "now"}
	ended := historyChart{ID: "ended", Name: "Ended per " + h.Step, X: x, Legend: []legendEntry{
		{"out", "completed", figures.Count(s.Total.Completed)},
		{"again", "failed attempts", figures.Count(s.Total.Failed)},
		{"fails", "discarded", figures.Count(s.Total.Discarded)},
	}}
	// over gives a number of a step that is over: one that is not would look like a fall.
	over := func(number func(p *admin.Point) int64) func(p *admin.Point) float64 {
		return func(p *admin.Point) float64 {
			if p.At.Add(s.Step).After(s.Now) {
				return -1
			}
			return float64(number(p))
		}
	}
	ended.curves(s.Points, scaleOfNumber,
		named{"out", over(func(p *admin.Point) int64 { return p.Completed })},
		named{"again", over(func(p *admin.Point) int64 { return p.Failed })},
		named{"fails", over(func(p *admin.Point) int64 { return p.Discarded })})
	ended.Empty = s.Total.Ended()+s.Total.Failed == 0
	h.Charts = append(h.Charts, ended,
		timesChart("wait", "Wait for the first attempt", s, x, func(p *admin.Point) *admin.Times { return &p.Wait }),
		timesChart("run", "Run of an attempt", s, x, func(p *admin.Point) *admin.Times { return &p.Run }))
	if s.Total.Groups > 0 {
		unit := "a minute"
		if s.Step >= time.Hour {
			unit = "an hour"
		}
		groups := historyChart{ID: "groups", Name: "Groups with jobs in " + unit, X: x, Legend: []legendEntry{{"in", "at most", "about " + figures.Count(s.Total.Groups)}}}
		groups.curves(s.Points, scaleOfNumber, named{"in", over(func(p *admin.Point) int64 { return p.Groups })})
		h.Charts = append(h.Charts, groups)
	}
	for i := range h.Charts {
		h.Charts[i].label(h.Said)
	}
	for _, k := range s.Kinds[:min(len(s.Kinds), historyKinds)] {
		h.Kinds = append(h.Kinds, kindRow{k, timeText(k.Wait.Count, k.Wait.P95), timeText(k.Run.Count, k.Run.P50), timeText(k.Run.Count, k.Run.P95)})
	}
	h.Others = len(s.Kinds) - len(h.Kinds)
}

// timesChart is that of the percentiles of one of the times.
func timesChart(id, name string, s *admin.Series, x []string, of func(*admin.Point) *admin.Times) historyChart {
	total := of(&s.Total)
	c := historyChart{ID: id, Name: name, X: x, Legend: []legendEntry{
		{"in", "median", timeText(total.Count, total.P50)}, {"high", "95 of 100 within", timeText(total.Count, total.P95)},
	}}
	value := func(d func(*admin.Times) time.Duration) func(p *admin.Point) float64 {
		return func(p *admin.Point) float64 {
			if of(p).Count == 0 {
				return -1
			}
			return float64(d(of(p)))
		}
	}
	c.curves(s.Points, func(top float64) (float64, string, string) {
		most := ceilingOfTime(time.Duration(top))
		return float64(most), figures.Rough(most), figures.Rough(most / 2)
	},
		named{"high", value(func(t *admin.Times) time.Duration { return t.P95 })},
		named{"in", value(func(t *admin.Times) time.Duration { return t.P50 })})
	c.Empty = total.Count == 0
	return c
}

// scaleOfNumber is the scale of a chart of numbers.
func scaleOfNumber(top float64) (of float64, text, half string) {
	of = max(ceiling(top), 2)
	return of, figures.Brief(int(of)), figures.Brief(int(of / 2))
}

// named is a curve that is to be drawn.
type named struct {
	name  string
	value func(*admin.Point) float64 // negative: not known
}

// curves draws curves on a common scale, whose top and its texts scale gives.
func (c *historyChart) curves(points []admin.Point, scale func(top float64) (of float64, text, half string), all ...named) {
	values, top := make([][]float64, len(all)), 0.0
	for i, one := range all {
		for k := range points {
			values[i] = append(values[i], one.value(&points[k]))
		}
		top = max(top, highest(values[i]))
	}
	top, c.Top, c.Half = scale(top)
	for i, one := range all {
		c.Curves = append(c.Curves, draw(one.name, values[i], top))
	}
}

// label says it to a screen reader.
func (c *historyChart) label(said string) {
	var parts []string
	for _, l := range c.Legend {
		parts = append(parts, l.Name+" "+l.Value)
	}
	c.Label = fmt.Sprintf("%s over the last %s: %s", c.Name, said, strings.Join(parts, ", "))
}

// timeText gives a duration, and a dash where there is none.
func timeText(count int64, d time.Duration) string {
	if count == 0 {
		return "–"
	}
	return figures.Took(d)
}

// axisTime is a time as it is written below a chart, in UTC.
func axisTime(t time.Time, s *admin.Series) string {
	if s.To.Sub(s.From) > 25*time.Hour {
		return t.UTC().Format("2 Jan 15:04")
	}
	return t.UTC().Format("15:04")
}

// timeScale are round times that a chart ends at.
var timeScale = func() (all []time.Duration) {
	for unit := 10 * time.Microsecond; unit < 10*time.Second; unit *= 10 {
		all = append(all, unit, 2*unit, 4*unit)
	}
	for _, unit := range []time.Duration{time.Second, time.Minute} {
		all = append(all, 10*unit, 20*unit, 30*unit, 60*unit, 120*unit, 240*unit)
	}
	for _, hours := range []time.Duration{6, 12, 24, 48, 96, 240, 480, 1200, 2400} {
		all = append(all, hours*time.Hour)
	}
	slices.Sort(all)
	return slices.Compact(all)
}()

// ceilingOfTime gives the first of them that is not below d.
func ceilingOfTime(d time.Duration) time.Duration {
	for _, most := range timeScale {
		if d <= most {
			return most
		}
	}
	return d
}

// series gives what ended over a span until now, as far as the user sees it.
func (g *gate) series(ctx context.Context, queue string, span time.Duration) (*admin.Series, error) {
	if queue != "" && !g.user.SeesQueue(queue) {
		return nil, notThere("queue", queue)
	}
	var within []string
	if !g.user.SeesAll() {
		within = append([]string{}, g.user.Scope...)
	}
	return g.histories.read(ctx, g.admin, queue, span, within)
}

// How long a history is shown, and how many are kept.
const (
	historyAge   = 5 * time.Second // of the last hour; of longer times it is the more
	maxHistories = 200
)

// histories has what was read for some, so that many who look cost no more than one.
type histories struct {
	mu    sync.Mutex
	known map[string]*pastReading
}

// pastReading is one reading, or one that is under way.
type pastReading struct {
	at     time.Time
	done   chan struct{}
	series *admin.Series
	err    error
}

func (h *histories) read(ctx context.Context, a *admin.Admin, queue string, span time.Duration, within []string) (*admin.Series, error) {
	key := fmt.Sprintf("%s %v %q", queue, span, within)
	fresh := historyAge
	if span > time.Hour {
		fresh = 6 * historyAge
	}
	h.mu.Lock()
	r := h.known[key]
	if r == nil || time.Since(r.at) > fresh {
		r = &pastReading{at: time.Now(), done: make(chan struct{})}
		h.keep(key, r)
		h.mu.Unlock()
		query := admin.SeriesQuery{Queue: queue, Within: within}
		if span > time.Hour {
			query.From = time.Now().Add(-span)
		}
		r.series, r.err = a.Series(context.WithoutCancel(ctx), query) // others wait for it
		if r.err != nil {
			h.drop(key, r)
		}
		close(r.done)
		return r.series, r.err
	}
	h.mu.Unlock()
	select {
	case <-r.done:
		return r.series, r.err
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", drayhorse.ErrUnavailable, context.Cause(ctx))
	}
}

// keep keeps a reading, in the place of another's once there are too many. Callers hold mu.
func (h *histories) keep(key string, r *pastReading) {
	for other := range h.known {
		if len(h.known) < maxHistories {
			break
		}
		delete(h.known, other)
	}
	h.known[key] = r
}

func (h *histories) drop(key string, r *pastReading) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.known[key] == r {
		delete(h.known, key)
	}
}
