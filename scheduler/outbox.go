package scheduler

import (
	"slices"
	"time"

	"github.com/drayhorse/drayhorse/internal/schedules"
)

// outbox is what a leader knows of the outbox in Redis, which it alone fills and
// empties: so entries that wait for their queue need not be read again each round.
// Before anything is done about an entry, Redis is asked whether it is still there.
type outbox struct {
	known       bool
	count       int
	bySchedule  map[string]*line
	queueCounts map[string]int
}

// line is the entries of one schedule.
type line struct {
	entries []schedules.Entry // in the order of their ticks
	at      time.Time         // when they are to be looked at; later: when a delivery has ended
}

// later is a time that does not come: something else happens first.
var later = time.Unix(1<<40, 0)

// forget drops all that is known.
func (o *outbox) forget() { o.known = false }

// begin starts over, with an empty outbox.
func (o *outbox) begin() {
	*o = outbox{known: true, bySchedule: map[string]*line{}, queueCounts: map[string]int{}}
}

// len is the number of entries.
func (o *outbox) len() int { return o.count }

// of is the number of entries for a queue.
func (o *outbox) of(queue string) int { return o.queueCounts[queue] }

// has reports whether there are entries of a schedule.
func (o *outbox) has(schedule string) bool { return o.bySchedule[schedule] != nil }

// add puts in entries, whose ticks come after those of the same schedules before, and
// has them looked at.
func (o *outbox) add(entries ...schedules.Entry) {
	for _, e := range entries {
		l := o.bySchedule[e.Schedule]
		if l == nil {
			l = &line{}
			o.bySchedule[e.Schedule] = l
		}
		l.entries, l.at = append(l.entries, e), time.Time{}
		o.queueCounts[e.Queue]++
		o.count++
	}
}

// remove takes out an entry, if it is there.
func (o *outbox) remove(e schedules.Entry) {
	l := o.bySchedule[e.Schedule]
	if l == nil {
		return
	}
	i := slices.Index(l.entries, e)
	if i < 0 {
		return
	}
	if l.entries = slices.Delete(l.entries, i, i+1); len(l.entries) == 0 {
		delete(o.bySchedule, e.Schedule)
	}
	if o.queueCounts[e.Queue]--; o.queueCounts[e.Queue] == 0 {
		delete(o.queueCounts, e.Queue)
	}
	o.count--
}

// putOff has the entries of a schedule not looked at until something is said of them.
func (o *outbox) putOff(schedule string) {
	if l := o.bySchedule[schedule]; l != nil {
		l.at = later
	}
}

// lookAt has the entries of a schedule looked at then, if not sooner.
func (o *outbox) lookAt(schedule string, at time.Time) {
	if l := o.bySchedule[schedule]; l != nil && at.Before(l.at) {
		l.at = at
	}
}

// lookAtAll has all entries looked at.
func (o *outbox) lookAtAll() {
	for _, l := range o.bySchedule {
		l.at = time.Time{}
	}
}

// ready gives entries that are to be looked at now, those of a schedule together and
// in order, at most schedules.MaxTake of them, and puts them off until something is
// said of them again.
func (o *outbox) ready(now time.Time) []schedules.Entry {
	var all []schedules.Entry
	for _, l := range o.bySchedule {
		if l.at.After(now) {
			continue
		}
		n := min(len(l.entries), schedules.MaxTake)
		if len(all)+n > schedules.MaxTake {
			break
		}
		all = append(all, l.entries[:n]...)
		l.at = later
	}
	return all
}

// soonest is when the next entries are to be looked at; zero: at no time that is
// known.
func (o *outbox) soonest() time.Time {
	var at time.Time
	for _, l := range o.bySchedule {
		if l.at.IsZero() {
			return time.Now()
		}
		if l.at != later && (at.IsZero() || l.at.Before(at)) {
			at = l.at
		}
	}
	return at
}
