package timetable

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // zones must not depend on what the machine has installed

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/duration"
	"github.com/drayhorse/drayhorse/internal/printable"
)

// Spec says when to fire: Cron, Every or Manual, never two of them.
type Spec struct {
	Cron     string
	Every    time.Duration // 1 s to 100 years in whole milliseconds; ticks are its multiples since the Unix epoch
	Manual   bool          // never by itself
	Timezone string        // IANA name in which Cron is read; empty means UTC
	Start    time.Time     // no tick before it; zero: no limit
	End      time.Time     // no tick after it; zero: no limit
}

// Timetable is a valid Spec. It is immutable.
type Timetable struct {
	spec Spec
	zone *time.Location
	rule rule
}

// rule gives the first tick after an instant, without regard to Start and End.
type rule interface {
	next(after time.Time) (time.Time, bool)
}

// manual is a rule without ticks.
type manual struct{}

func (manual) next(time.Time) (time.Time, bool) { return time.Time{}, false }

// horizon is the first instant without ticks: later years have no RFC 3339 form.
var horizon = time.Date(10000, time.January, 1, 0, 0, 0, 0, time.UTC)

// Parse validates spec. The errors are drayhorse.ErrInvalid; one about Cron names
// the field and its position. A Spec that would never fire is refused too.
func Parse(spec Spec) (*Timetable, error) {
	t := &Timetable{spec: spec}
	var err error
	if t.zone, err = loadZone(spec.Timezone); err != nil {
		return nil, err
	}
	switch {
	case spec.Manual && (spec.Cron != "" || spec.Every != 0 || spec.Timezone != "" && spec.Timezone != "UTC" || !spec.Start.IsZero() || !spec.End.IsZero()):
		return nil, fmt.Errorf("%w: manual is given with cron, every, timezone, start or end; want it alone, or left out", drayhorse.ErrInvalid)
	case spec.Manual:
		t.rule = manual{}
		return t, nil
	case spec.Cron != "" && spec.Every != 0:
		return nil, fmt.Errorf("%w: cron %q and every %v are given together; want one of them", drayhorse.ErrInvalid, clip(spec.Cron), spec.Every)
	case spec.Cron != "":
		t.rule, err = parseCron(spec.Cron, t.zone)
	case spec.Every != 0:
		t.rule, err = parseEvery(spec.Every)
	default:
		err = errors.New("neither cron nor every is given; want one of them, or manual for a schedule that is only triggered")
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", drayhorse.ErrInvalid, err)
	}
	if !spec.Start.IsZero() && !spec.End.IsZero() && spec.End.Before(spec.Start) {
		return nil, fmt.Errorf("%w: end %s is before start %s", drayhorse.ErrInvalid, stamp(spec.End), stamp(spec.Start))
	}
	if t.Next(time.Time{}).IsZero() {
		return nil, fmt.Errorf("%w: %s never fires", drayhorse.ErrInvalid, t)
	}
	return t, nil
}

// Next returns the first tick later than after, in the time zone of the Spec, or
// the zero time when there is none.
func (t *Timetable) Next(after time.Time) time.Time {
	if after.Before(t.spec.Start) { // a zero Start is the year 1
		after = t.spec.Start.Add(-1)
	}
	if !after.Before(horizon) {
		return time.Time{}
	}
	tick, ok := t.rule.next(after)
	ended := !t.spec.End.IsZero() && tick.After(t.spec.End)
	if !ok || ended || !tick.Before(horizon) {
		return time.Time{}
	}
	return tick.In(t.zone)
}

// Last returns the last tick that is not later than until, in the time zone of
// the Spec, or the zero time when there is none.
func (t *Timetable) Last(until time.Time) time.Time {
	if !until.Before(horizon) {
		until = horizon.Add(-1)
	}
	if end := t.spec.End; !end.IsZero() && end.Before(until) {
		until = end
	}
	due := func(back time.Duration) bool { // is there a tick in the time that long before until?
		tick := t.Next(until.Add(-back))
		return !tick.IsZero() && !tick.After(until)
	}
	back := time.Second
	for !due(back) {
		if back *= 2; back > longestGap {
			return time.Time{}
		}
	}
	// Shorten the span by halves while a tick is in it. A second at last holds one
	// tick alone, because ticks are at least that far apart.
	for step := back / 2; step >= time.Second; step /= 2 {
		if due(back - step) {
			back -= step
		}
	}
	return t.Next(until.Add(-back))
}

// longestGap is more than the time between any two neighbouring ticks: 40 years
// for a 29 February on a given day of the week, or the longest Every.
const longestGap = 136 * 365 * 24 * time.Hour

// String describes the timetable for people, like "30 2 * * * in Europe/Paris".
func (t *Timetable) String() string {
	var b strings.Builder
	if t.spec.Manual {
		return "by hand"
	}
	if t.spec.Cron != "" {
		fmt.Fprintf(&b, "%s in %s", strings.Join(strings.Fields(t.spec.Cron), " "), t.zone)
	} else {
		b.WriteString("every " + duration.Format(t.spec.Every))
	}
	if !t.spec.Start.IsZero() {
		b.WriteString(" from " + stamp(t.spec.Start))
	}
	if !t.spec.End.IsZero() {
		b.WriteString(" until " + stamp(t.spec.End))
	}
	return b.String()
}

func stamp(t time.Time) string { return t.Format(time.RFC3339) }

// zones are those that were loaded, by name: loading one takes longer than all else.
var zones sync.Map

// loadZone refuses "Local", which is another zone on every machine.
func loadZone(name string) (*time.Location, error) {
	if zone, ok := zones.Load(name); ok {
		return zone.(*time.Location), nil //nolint:forcetypeassert // nothing else is stored
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, fmt.Errorf("%w: timezone %q; want an IANA name like Europe/Paris, or UTC", drayhorse.ErrInvalid, clip(name))
	}
	zones.Store(name, zone)
	return zone, nil
}

// clip keeps an error message readable whatever was passed as a value.
func clip(s string) string { return printable.Clip(s, 128) }
