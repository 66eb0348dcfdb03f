package scheduler

import (
	"slices"
	"time"

	"github.com/drayhorse/drayhorse/internal/schedules"
	"github.com/drayhorse/drayhorse/internal/timetable"
)

// Grace is how late a tick may come and still be no missed one for CatchUpSkip: a
// leader that dies is followed in less.
const Grace = 10 * time.Second

// maxCount is how far missed ticks are counted.
const maxCount = 10_000

// decision says what is to be done about the ticks of one schedule that are due.
type decision struct {
	fire   []time.Time // ascending
	missed int         // ticks that are dropped; counted up to maxCount
	lost   time.Time   // the last of these
	last   time.Time   // the last tick that is due
	next   time.Time   // the first that is not; zero: there is none
}

// decide applies the catch-up policy of a schedule whose tick first is due to all
// its ticks from first to now.
func decide(d *schedules.Declaration, t *timetable.Timetable, first, now time.Time) decision {
	var out decision
	limit, oldest := 1, time.Time{}
	switch d.CatchUp {
	case schedules.CatchUpSkip:
		oldest = now.Add(-Grace)
	case schedules.CatchUpAll:
		limit, oldest = schedules.MaxCatchUp, now.Add(-schedules.DefaultCatchUpWindow)
	}
	if d.CatchUpWindow != 0 {
		oldest = now.Add(-d.CatchUpWindow)
	}
	if d.CatchUpMax != 0 {
		limit = d.CatchUpMax
	}
	due, more := ticks(t, first, now, maxCount)
	if more { // the latest are what counts
		due = latest(t, first, now, limit)
	}
	out.last = due[len(due)-1]
	out.next = t.Next(out.last)
	from := max(len(due)-limit, 0)
	for from < len(due) && due[from].Before(oldest) {
		from++
	}
	out.fire = due[from:]
	switch {
	case more:
		out.missed = maxCount
	default:
		out.missed = from
	}
	if from > 0 {
		out.lost = due[from-1]
	} else if more {
		out.lost = t.Last(due[0].Add(-time.Millisecond))
	}
	return out
}

// ticks gives the ticks from first to now, at most limit of them, and whether
// there are more.
func ticks(t *timetable.Timetable, first, now time.Time, limit int) ([]time.Time, bool) {
	all := []time.Time{first}
	for tick := t.Next(first); !tick.IsZero() && !tick.After(now); tick = t.Next(tick) {
		if len(all) == limit {
			return all, true
		}
		all = append(all, tick)
	}
	return all, false
}

// latest gives the last n ticks from first to now, going back from the last one.
func latest(t *timetable.Timetable, first, now time.Time, n int) []time.Time {
	var all []time.Time
	for tick := t.Last(now); len(all) < n && !tick.Before(first); tick = t.Last(tick.Add(-time.Millisecond)) {
		all = append(all, tick)
	}
	slices.Reverse(all)
	return all
}
