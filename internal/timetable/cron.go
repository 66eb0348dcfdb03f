package timetable

import "time"

// cron reads fields on the clocks of a zone. Both its rules for clock changes
// follow from taking the zone period by period: within one the offset is fixed,
// so that local time is a plain number, and only the step into the next period
// needs a decision.
type cron struct {
	fields fields
	zone   *time.Location
}

// period is a span of time, in Unix seconds, in which a zone has one offset. The
// next period may have the same.
type period struct {
	start, end int64
	offset     int64 // local time minus UTC
}

// Bounds of a period that has none: beyond all times, yet safe to add to.
const (
	beginning = -1 << 60
	forever   = 1 << 60
)

const daySeconds = 24 * 60 * 60

func periodAt(unix int64, zone *time.Location) period {
	t := time.Unix(unix, 0).In(zone)
	_, offset := t.Zone()
	p := period{start: beginning, end: forever, offset: int64(offset)}
	start, end := t.ZoneBounds()
	if !start.IsZero() {
		p.start = start.Unix()
	}
	if !end.IsZero() {
		p.end = end.Unix()
	}
	if p.end <= unix {
		// On the last day of a leap year ZoneBounds can name the day's beginning as
		// the end (golang.org/issue/81583). The day's end is right, and moves on.
		p.end = (unix/daySeconds + 1) * daySeconds
	}
	return p
}

func (c *cron) next(after time.Time) (time.Time, bool) {
	now := periodAt(after.Unix(), c.zone)
	from := after.Unix() + 1 + now.offset
	if !c.fields.repeats() && now.start != beginning {
		// What the clocks showed before they went back has fired already.
		from = max(from, now.start+periodAt(now.start-1, c.zone).offset)
	}
	local, ok := c.fields.next(from)
	for ok && local >= now.end+now.offset {
		was := now
		now = periodAt(was.end, c.zone)
		shown := was.end + now.offset // by the clocks as the new period begins
		switch {
		case now.offset > was.offset && local < shown: // jumped over
			if !c.fields.everyHour() {
				return time.Unix(was.end, 0), true
			}
			local, ok = c.fields.next(shown)
		case now.offset < was.offset && c.fields.repeats():
			local, ok = c.fields.next(shown)
		}
	}
	return time.Unix(local-now.offset, 0), ok
}
