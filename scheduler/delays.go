package scheduler

import (
	"context"
	"log/slog"
	"time"

	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/schedules"
)

// How long ticks wait before a queue that takes none is tried again.
const (
	firstDelay   = 20 * time.Millisecond
	longestDelay = 5 * time.Second
)

// route is the way of ticks: the partition where they go, and where the last jobs of
// their schedules are, if the overlap policy asks for these; else nil. What fails for
// one route says nothing of another.
type route struct{ to, last *jobs.Partition }

// delay is a route that fails.
type delay struct {
	at      *jobs.Partition // the one of both that fails
	backoff redis.Backoff
	until   time.Time
}

// delays are the routes that fail, each with a backoff of its own.
type delays struct {
	routes  map[route]*delay
	failing map[*jobs.Partition]int // how many routes each of them spoils
}

func newDelays() delays {
	return delays{routes: map[route]*delay{}, failing: map[*jobs.Partition]int{}}
}

// until is when a route may be tried again; the zero time: now.
func (d *delays) until(r route) time.Time {
	if known := d.routes[r]; known != nil {
		return known.until
	}
	return time.Time{}
}

// add takes note of a failure at a partition, and says whether it is news of that
// partition.
func (d *delays) add(r route, at *jobs.Partition) (news bool) {
	known := d.routes[r]
	if known == nil || known.at != at {
		d.remove(r)
		known = &delay{at: at, backoff: redis.NewBackoff(firstDelay, longestDelay)}
		d.routes[r] = known
		d.failing[at]++
		news = d.failing[at] == 1
	}
	known.until = time.Now().Add(known.backoff.Next())
	return news
}

// remove takes note that a route is well again, and gives the partition of which that
// is news, if any.
func (d *delays) remove(r route) *jobs.Partition {
	known := d.routes[r]
	if known == nil {
		return nil
	}
	delete(d.routes, r)
	if d.failing[known.at]--; d.failing[known.at] > 0 {
		return nil
	}
	delete(d.failing, known.at)
	return known.at
}

// prune drops the routes that nobody has tried for some time: no tick needs them any
// more.
func (d *delays) prune() {
	for r, known := range d.routes {
		if time.Since(known.until) > time.Minute {
			d.remove(r)
		}
	}
}

// fails reports whether the queue of an entry takes no ticks, as far as it is known.
func (l *leader) fails(e schedules.Entry) bool {
	if l.queues.fails(e.Queue) {
		return true
	}
	to := l.queues.partition(schedules.Place{Queue: e.Queue, ID: schedules.JobID(e.Schedule, e.Tick)})
	return to != nil && l.delays.failing[to] > 0
}

// delay puts off the ticks of a delivery that failed. It is said once, in the log and in
// the histories of the schedules.
func (l *leader) delay(ctx context.Context, d *delivery) []schedules.Note {
	if !l.delays.add(d.route, d.failed) {
		return nil
	}
	l.scheduler.log.WarnContext(ctx, "a queue takes no ticks, its schedules wait",
		slog.String(logs.Queue, d.failed.String()), slog.Any(logs.Error, d.err))
	var notes []schedules.Note
	noted := map[string]bool{}
	for _, t := range d.ticks {
		if id := t.taken.Schedule; !noted[id] && len(noted) < maxNotes {
			noted[id] = true
			event := schedules.Event{Tick: t.taken.Tick, At: t.taken.Now, Outcome: schedules.Delayed, Queue: t.taken.Queue}
			notes = append(notes, schedules.Note{Schedule: id, Event: event})
		}
	}
	return notes
}

// maxNotes is how many schedules of a delivery get a line in their histories.
const maxNotes = 100

// recover takes note that a route is well.
func (l *leader) recover(ctx context.Context, r route) {
	if at := l.delays.remove(r); at != nil {
		l.scheduler.log.InfoContext(ctx, "the queue takes ticks again", slog.String(logs.Queue, at.String()))
	}
}
