package schedules

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// What becomes of a tick.
const (
	Enqueued   = "enqueued"
	Duplicate  = "duplicate"  // its queue had this tick, or a later one, already
	Skipped    = "skipped"    // by the overlap policy
	Missed     = "missed"     // by the catch-up policy; Count ticks up to this one
	Delayed    = "delayed"    // its queue takes no ticks at the moment
	Triggered  = "triggered"  // by hand
	Backfilled = "backfilled" // by hand; Count ticks up to this one
)

// Event is one line of a schedule's history.
type Event struct {
	Tick    time.Time       `json:"tick"`
	At      time.Time       `json:"at"` // by Redis's clock
	Outcome string          `json:"outcome"`
	Count   int             `json:"count,omitempty"` // of ticks, if more than one
	Queue   string          `json:"queue,omitempty"`
	JobID   string          `json:"job_id,omitempty"`
	State   drayhorse.State `json:"state,omitempty"` // of the job, as far as it is known still
	Error   string          `json:"error,omitempty"` // why nobody can say that
}

// line gives the stored form: tick at outcome count queue id, without the fields
// at the end that are empty. The ID is left out where it is that of the tick.
func (e *Event) line(schedule string) string {
	id := e.JobID
	if id == JobID(schedule, e.Tick) {
		id = ""
	}
	line := fmt.Sprintf("%d %d %s %d %s %s", e.Tick.UnixMilli(), e.At.UnixMilli(), e.Outcome, e.Count, e.Queue, id)
	return strings.TrimRight(line, " ")
}

func parseEvent(schedule, line string) Event {
	fields := append(strings.Split(line, " "), make([]string, 6)...)
	tick, _ := strconv.ParseInt(fields[0], 10, 64)
	at, _ := strconv.ParseInt(fields[1], 10, 64)
	count, _ := strconv.Atoi(fields[3])
	e := Event{
		Tick: time.UnixMilli(tick).UTC(), At: time.UnixMilli(at).UTC(),
		Outcome: fields[2], Count: count, Queue: fields[4], JobID: fields[5],
	}
	if e.Queue != "" && e.JobID == "" {
		e.JobID = JobID(schedule, e.Tick)
	}
	return e
}

// History gives the last ticks of a schedule, the latest first, with the states
// that their jobs have now; those of jobs of which nothing is known any more are
// empty, and those in a queue that cannot be asked have an Error. The error is
// drayhorse.ErrNotFound.
func (s *Store) History(ctx context.Context, engine *jobs.Engine, id string) ([]Event, error) {
	if _, err := s.Get(ctx, id); err != nil {
		return nil, err
	}
	text, err := s.client.HGet(ctx, s.prefix+"history", id).Result()
	if err != nil && !errors.Is(err, goredis.Nil) {
		return nil, redis.Wrap("history of schedule "+id, err)
	}
	var events []Event
	for line := range strings.Lines(text) {
		events = append([]Event{parseEvent(id, strings.TrimSuffix(line, "\n"))}, events...)
	}
	broken := map[string]string{} // queues, by why they cannot be asked
	for i := range events {
		e := &events[i]
		if e.Error = broken[e.Queue]; e.Error != "" {
			continue
		}
		if e.State, err = stateOf(ctx, engine, Place{e.Queue, e.JobID}); err != nil {
			e.Error = err.Error()
			broken[e.Queue] = e.Error
		}
	}
	return events, nil
}

// Note is a line for the history of a schedule.
type Note struct {
	Schedule string
	Event    Event
}

// Note adds lines to the histories of schedules that exist.
func (s *Store) Note(ctx context.Context, notes ...Note) error {
	args := make([]any, 0, 2*len(notes))
	for _, n := range notes {
		args = append(args, n.Schedule, n.Event.line(n.Schedule))
	}
	_, err := s.run(ctx, noteScript, args...)
	return err
}

// stateOf gives the state of a job, "" if nothing is known of it.
func stateOf(ctx context.Context, engine *jobs.Engine, p Place) (drayhorse.State, error) {
	if p.Queue == "" || p.ID == "" {
		return "", nil
	}
	partitions, err := engine.Lookup(ctx, p.Queue)
	if errors.Is(err, drayhorse.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	info, err := jobs.PartitionOf(partitions, p.ID).Get(ctx, p.ID)
	if errors.Is(err, drayhorse.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return info.State, nil
}
