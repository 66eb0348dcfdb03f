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
	bySchedule  map[string]*backlog
	queueCounts map[string]int
}

// backlog is the entries of one schedule.
type backlog struct {
	entries []schedules.Entry // in the order of their ticks
	at      time.Time         // when they are to be looked at; later: when a delivery has ended
}

// later is a time that does not come: something else happens first.
var later = time.Unix(1<<40, 0)

// forget drops all that is known.
func (o *outbox) forget() { o.known = false }

// begin starts over, with an empty outbox.
func (o *outbox) begin() {
	*o = outbox{known: true, bySchedule: map[string]*backlog{}, queueCounts: map[string]int{}}
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
		b := o.bySchedule[e.Schedule]
		if b == nil {
			b = &backlog{}
			o.bySchedule[e.Schedule] = b
		}
		b.entries, b.at = append(b.entries, e), time.Time{}
		o.queueCounts[e.Queue]++
		o.count++
	}
}

// remove takes out an entry, if it is there.
func (o *outbox) remove(e schedules.Entry) {
	b := o.bySchedule[e.Schedule]
	if b == nil {
		return
	}
	i := slices.Index(b.entries, e)
	if i < 0 {
		return
	}
	if b.entries = slices.Delete(b.entries, i, i+1); len(b.entries) == 0 {
		delete(o.bySchedule, e.Schedule)
	}
	if o.queueCounts[e.Queue]--; o.queueCounts[e.Queue] == 0 {
		delete(o.queueCounts, e.Queue)
	}
	o.count--
}

// putOff has the entries of a schedule not looked at until something is said of them.
func (o *outbox) putOff(schedule string) {
	if b := o.bySchedule[schedule]; b != nil {
		b.at = later
	}
}

// lookAt has the entries of a schedule looked at then, if not sooner.
func (o *outbox) lookAt(schedule string, at time.Time) {
	if b := o.bySchedule[schedule]; b != nil && at.Before(b.at) {
		b.at = at
	}
}

// lookAtAll has all entries looked at.
func (o *outbox) lookAtAll() {
	for _, b := range o.bySchedule {
		b.at = time.Time{}
	}
}

// ready gives entries that are to be looked at now, those of a schedule together and
// in order, at most schedules.MaxTake of them, and puts them off until something is
// said of them again.
func (o *outbox) ready(now time.Time) []schedules.Entry {
	var all []schedules.Entry
	for _, b := range o.bySchedule {
		if b.at.After(now) {
			continue
		}
		n := min(len(b.entries), schedules.MaxTake)
		if len(all)+n > schedules.MaxTake {
			break
		}
		all = append(all, b.entries[:n]...)
		b.at = later
	}
	return all
}

// soonest is when the next entries are to be looked at; zero: at no time that is
// known.
func (o *outbox) soonest() time.Time {
	var at time.Time
	for _, b := range o.bySchedule {
		if b.at.IsZero() {
			return time.Now()
		}
		if b.at != later && (at.IsZero() || b.at.Before(at)) {
			at = b.at
		}
	}
	return at
}
