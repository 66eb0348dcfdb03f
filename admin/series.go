package admin

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/histogram"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/scope"
)

// Limits of what Series reads.
const (
	// MaxPoints is how many points it gives.
	MaxPoints = 1500
	// KeepMinutes is for how long it is kept what ended in a minute, and KeepHours in an hour.
	KeepMinutes = jobs.KeepMinutes
	KeepHours   = jobs.KeepHours

	maxSeriesRows = 50_000 // minutes or hours, of all partitions together
	autoPoints    = 120    // at most, where no step is given
)

// SeriesQuery says of which jobs, and of what time, Series is. The zero value is all jobs and the
// last hour.
type SeriesQuery struct {
	Queue string // empty: all queues, the first MaxCounted by their names
	Kind  string // empty: all kinds
	// From and To are by Redis's clock. A zero To is now, a zero From an hour before To.
	From, To time.Time
	// Step is the time of one point: minutes of which an hour has a whole number, or whole hours;
	// 0: as short as 120 points allow. Points begin at multiples of it. What is older than
	// KeepMinutes is known by the hour.
	Step time.Duration
	// Within are entries QUEUE or QUEUE/KIND, * for all queues or kinds, of which a job has to
	// meet one. nil: all jobs.
	Within []string
}

// Series is what ended, and how long it took, over a stretch of time.
type Series struct {
	From   time.Time     // of the first point
	To     time.Time     // the end of the last one
	Now    time.Time     // by Redis's clock: what is later is not over
	Step   time.Duration // of a point
	Points []Point       // all there are from From to To, also those of nothing
	Total  Point         // of all points
	Kinds  []KindPoint   // of all points, by kind, those first of which most ended
	Queues int           // that there are
	Read   int           // of these, of which this is
}

// Point is what ended within a step that begins at At, and how long it took.
type Point struct {
	At        time.Time `json:"at"`
	Completed int64     `json:"completed"`
	Discarded int64     `json:"discarded"`
	Cancelled int64     `json:"cancelled"`
	Failed    int64     `json:"failed"`  // attempts that failed and are followed by another
	Snoozed   int64     `json:"snoozed"` // attempts that ended so
	Wait      Times     `json:"wait"`    // from when a job was due to its first attempt
	Run       Times     `json:"run"`     // of attempts
	// Groups is how many different groups had jobs run: an estimate, within some 2 %. Where the time is
	// longer than a minute, or hour where that is what is read, it is that of the minute with the most.
	// A group is one of a queue. 0 where that is not asked for all kinds.
	Groups int64 `json:"groups"`
}

// Ended is how many jobs ended.
func (p *Point) Ended() int64 { return p.Completed + p.Discarded + p.Cancelled }

// KindPoint is that of one kind, of which groups are not counted.
type KindPoint struct {
	Kind string `json:"kind"`
	Point
}

// Times are percentiles, within 5 %, of how long something took. They are 0 where nothing did.
type Times struct {
	Count              int64
	P50, P90, P95, P99 time.Duration
}

type timesJSON struct {
	Count int64   `json:"count"`
	P50   float64 `json:"p50_ms"`
	P90   float64 `json:"p90_ms"`
	P95   float64 `json:"p95_ms"`
	P99   float64 `json:"p99_ms"`
}

// MarshalJSON gives percentiles in ms.
func (t Times) MarshalJSON() ([]byte, error) {
	return json.Marshal(timesJSON{t.Count, inMS(t.P50), inMS(t.P90), inMS(t.P95), inMS(t.P99)})
}

// UnmarshalJSON reads what MarshalJSON gives.
func (t *Times) UnmarshalJSON(text []byte) error {
	var j timesJSON
	if err := json.Unmarshal(text, &j); err != nil {
		return err
	}
	*t = Times{j.Count, ofMS(j.P50), ofMS(j.P90), ofMS(j.P95), ofMS(j.P99)}
	return nil
}

// inMS gives a duration in ms, to the µs.
func inMS(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// ofMS reads what inMS gives.
func ofMS(ms float64) time.Duration { return time.Duration(ms*1000+0.5) * time.Microsecond }

// steps are what a Step of 0 is chosen from.
var steps = []time.Duration{
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
}

// Validate reports the first impossible value, as drayhorse.ErrInvalid.
func (q *SeriesQuery) Validate() error {
	if q.Queue != "" {
		if err := drayhorse.ValidateQueue(q.Queue); err != nil {
			return err
		}
	}
	if q.Kind != "" {
		if err := drayhorse.ValidateKind(q.Kind); err != nil {
			return err
		}
	}
	if err := scope.Scope(q.Within).Validate(); err != nil {
		return err
	}
	if s := q.Step; s < 0 || s%time.Minute != 0 || (s > 0 && s < time.Hour && time.Hour%s != 0) || (s > time.Hour && s%time.Hour != 0) || s > KeepHours {
		return fmt.Errorf("%w: step %v; want 1m to 30m of which an hour has a whole number, or whole hours, or 0", drayhorse.ErrInvalid, s)
	}
	if !q.From.IsZero() && !q.To.IsZero() && !q.From.Before(q.To) {
		return fmt.Errorf("%w: from %s to %s; want a time that begins before it ends", drayhorse.ErrInvalid, q.From.Format(time.RFC3339), q.To.Format(time.RFC3339))
	}
	return nil
}

// span is the time that a query is about, by a clock, and how it is read.
type span struct {
	from, to   time.Time // multiples of step
	step, unit time.Duration
}

func (q *SeriesQuery) span(now time.Time, partitions int) (*span, error) {
	s := &span{from: q.From, to: q.To, step: q.Step, unit: time.Minute}
	if s.to.IsZero() {
		s.to = now
	}
	if s.from.IsZero() {
		s.from = s.to.Add(-time.Hour)
	}
	if !s.from.Before(s.to) {
		return nil, fmt.Errorf("%w: from %s, when it is %s; want a time before that", drayhorse.ErrInvalid, s.from.Format(time.RFC3339), s.to.Format(time.RFC3339))
	}
	if kept := now.Add(-KeepHours); s.from.Before(kept) {
		s.from = kept
		if !kept.Before(s.to) {
			return nil, fmt.Errorf("%w: to %s; want at most 90 days ago", drayhorse.ErrInvalid, s.to.Format(time.RFC3339))
		}
	}
	old := s.from.Before(now.Add(-KeepMinutes))
	many := int(s.to.Sub(s.from)/time.Minute)*partitions > maxSeriesRows
	if s.step == 0 {
		for _, s.step = range steps {
			if s.to.Sub(s.from) <= autoPoints*s.step && (s.step >= time.Hour || !old && !many) {
				break
			}
		}
	}
	switch {
	case s.step >= time.Hour:
		s.unit = time.Hour
	case old:
		return nil, fmt.Errorf("%w: step %v from %s on; minutes are kept for 72 hours, so want whole hours", drayhorse.ErrInvalid, s.step, s.from.Format(time.RFC3339))
	}
	s.from = s.from.Truncate(s.step)
	if end := s.to.Truncate(s.step); end.Before(s.to) {
		s.to = end.Add(s.step)
	}
	if n := int(s.to.Sub(s.from) / s.step); n > MaxPoints {
		return nil, fmt.Errorf("%w: %d points; want at most %d, by a longer step or a shorter time", drayhorse.ErrInvalid, n, MaxPoints)
	}
	if rows := int(s.to.Sub(s.from)/s.unit) * partitions; rows > maxSeriesRows {
		return nil, fmt.Errorf("%w: %d rows of %d partitions; want at most %d: name a queue, or take a shorter time", drayhorse.ErrInvalid, rows, partitions, maxSeriesRows)
	}
	return s, nil
}

// Series gives what ended, and how long it waited and ran, point by point. Counts are exact: they
// are made where jobs end. It reads at most 50,000 minutes or hours, at a cost that does not depend
// on how many jobs there were. The error is drayhorse.ErrInvalid, ErrNotFound for the queue, or
// ErrUnavailable.
func (a *Admin) Series(ctx context.Context, q SeriesQuery) (*Series, error) {
	if err := q.Validate(); err != nil {
		return nil, err
	}
	queues, err := a.queues(ctx, q.Queue)
	if err != nil {
		return nil, err
	}
	if q.Within != nil {
		queues = slices.DeleteFunc(queues, func(partitions []*jobs.Partition) bool { return !scope.Scope(q.Within).HasQueue(partitions[0].Queue) })
	}
	out := &Series{Queues: len(queues)}
	queues = queues[:min(len(queues), MaxCounted)]
	out.Read = len(queues)
	partitions := slices.Concat(queues...)
	now, err := a.engine.Clock(ctx, partitions...)
	if err != nil {
		return nil, err
	}
	s, err := q.span(now, max(len(partitions), 1))
	if err != nil {
		return nil, err
	}
	out.From, out.To, out.Step, out.Now = s.from, s.to, s.step, now
	all := &jobs.Ends{}
	sums, kinds := make([]jobs.Ends, s.to.Sub(s.from)/s.step), map[string]*jobs.Ends{}
	first, last := s.from.Unix()/int64(s.unit.Seconds()), s.to.Unix()/int64(s.unit.Seconds())-1
	groups := make([]int64, last+1-first) // by the minute or hour
	pointAt := func(number int64) int64 { return (number - first) * int64(s.unit) / int64(s.step) }
	for some := range slices.Chunk(partitions, countAtOnce) {
		to := func(i int, number int64, kind string) []*jobs.Ends {
			if !q.means(some[i].Queue, kind) {
				return nil
			}
			if kinds[kind] == nil {
				kinds[kind] = &jobs.Ends{}
			}
			return []*jobs.Ends{&sums[pointAt(number)], kinds[kind], all}
		}
		ran := func(i int, number, n int64) {
			if q.meansAll(some[i].Queue) {
				groups[number-first] += n // those of a partition are in no other
			}
		}
		if err := a.engine.Series(ctx, s.unit, first, last, jobs.SeriesReader{To: to, Groups: ran}, some...); err != nil {
			return nil, err
		}
	}
	out.Points, out.Kinds, out.Total = []Point{}, []KindPoint{}, pointOf(s.from, all)
	for i := range sums {
		out.Points = append(out.Points, pointOf(s.from.Add(time.Duration(i)*s.step), &sums[i]))
	}
	for i, n := range groups {
		p := &out.Points[pointAt(first+int64(i))]
		p.Groups, out.Total.Groups = max(p.Groups, n), max(out.Total.Groups, n)
	}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		out.Kinds = append(out.Kinds, KindPoint{kind, pointOf(s.from, kinds[kind])})
	}
	slices.SortStableFunc(out.Kinds, func(a, b KindPoint) int { return cmp.Compare(b.Ended()+b.Failed, a.Ended()+a.Failed) })
	return out, nil
}

// means reports whether a query is about the jobs of a kind in a queue.
func (q *SeriesQuery) means(queue, kind string) bool {
	return (q.Kind == "" || q.Kind == kind) && (q.Within == nil || scope.Scope(q.Within).Has(queue, kind))
}

// meansAll reports whether a query is about all jobs of a queue.
func (q *SeriesQuery) meansAll(queue string) bool {
	return q.Kind == "" && (q.Within == nil || scope.Scope(q.Within).HasAll(queue))
}

// pointOf is what ended in some time. What was taken back before it was told is none.
func pointOf(at time.Time, e *jobs.Ends) Point {
	return Point{
		At: at, Completed: max(e.Completed, 0), Discarded: max(e.Discarded, 0), Cancelled: max(e.Cancelled, 0), Failed: max(e.Failed, 0), Snoozed: max(e.Snoozed, 0),
		Wait: timesOf(&e.Waits), Run: timesOf(&e.Runs),
	}
}

func timesOf(h *histogram.Histogram) Times {
	q := h.Quantiles(0.5, 0.9, 0.95, 0.99)
	return Times{h.Count(), q[0], q[1], q[2], q[3]}
}

// MarshalJSON gives the step in ms.
func (s *Series) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		From   time.Time   `json:"from"`
		To     time.Time   `json:"to"`
		Now    time.Time   `json:"now"`
		Step   int64       `json:"step_ms"`
		Queues int         `json:"queues"`
		Read   int         `json:"queues_read"`
		Total  Point       `json:"total"`
		Kinds  []KindPoint `json:"kinds"`
		Points []Point     `json:"points"`
	}{s.From, s.To, s.Now, s.Step.Milliseconds(), s.Queues, s.Read, s.Total, s.Kinds, s.Points})
}
