package schedules

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Entry is one tick on its way to a queue. The queue is part of it: whoever drives
// the outbox sends a tick to the queue that it was meant for when it fired, and so
// to the guard that may know it.
type Entry struct {
	Schedule string
	Tick     time.Time
	Queue    string
}

var errEntry = errors.New("malformed entry of the outbox")

// String gives the stored form, SCHEDULE@TICK QUEUE, in which the entries of a
// schedule sort by tick.
func (e Entry) String() string {
	return fmt.Sprintf("%s@%015d %s", e.Schedule, e.Tick.UnixMilli(), e.Queue)
}

func parseEntry(s string) (Entry, error) {
	schedule, rest, ok1 := strings.Cut(s, "@")
	tick, queue, ok2 := strings.Cut(rest, " ")
	n, err := strconv.ParseInt(tick, 10, 64)
	if !ok1 || !ok2 || err != nil {
		return Entry{}, fmt.Errorf("%w: %q", errEntry, s)
	}
	return Entry{Schedule: schedule, Tick: time.UnixMilli(n).UTC(), Queue: queue}, nil
}

// JobID is the ID of the job of a tick.
func JobID(schedule string, tick time.Time) string {
	return schedule + "@" + strconv.FormatInt(tick.UnixMilli(), 10)
}

// Place is where a job is.
type Place struct{ Queue, ID string }

// String gives the stored form; "" for the zero Place.
func (p Place) String() string {
	if p == (Place{}) {
		return ""
	}
	return p.Queue + " " + p.ID
}

func parsePlace(s string) Place {
	queue, id, _ := strings.Cut(s, " ")
	return Place{queue, id}
}
