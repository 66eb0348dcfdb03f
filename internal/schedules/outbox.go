package schedules

import (
	"context"
	"time"

	"github.com/drayhorse/drayhorse/internal/redis"
)

// MaxTake is how many entries one call takes or clears.
const MaxTake = 500

// Box is where entries are.
type Box string

// The boxes.
const (
	Outbox  Box = "outbox"
	Waiting Box = "waiting" // for an earlier job to end
)

// Taken is an entry with what is needed to decide on it.
type Taken struct {
	Entry

	Raw     string    // the schedule's declaration as stored; "" if it is gone
	Last    Place     // its last job
	Waiting int       // how many of its entries wait
	Now     time.Time // by Redis's clock

	stored string
}

// Take reads entries from a box, from offset on, at most MaxTake. Those of one
// schedule come in the order of their ticks. The error is ErrTerm.
func (s *Store) Take(ctx context.Context, term int64, box Box, offset int) ([]Taken, error) {
	return s.take(ctx, term, string(box), offset, MaxTake)
}

// Retake reads those of some entries that are still in the outbox; at most MaxTake
// are good for one call. The error is ErrTerm.
func (s *Store) Retake(ctx context.Context, term int64, entries []Entry) ([]Taken, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	args := []any{term, string(Outbox), 0, 0}
	for _, e := range entries {
		args = append(args, e.String())
	}
	return s.take(ctx, args...)
}

func (s *Store) take(ctx context.Context, args ...any) ([]Taken, error) {
	reply, err := s.run(ctx, takeScript, args...)
	if err != nil {
		return nil, err
	}
	fields := redis.AsList(reply)
	if len(fields) != 2 {
		return nil, unexpected(takeScript, reply)
	}
	now, list := redis.AsTime(fields[0]).UTC(), redis.AsList(fields[1])
	var all []Taken
	for i := 0; i+3 < len(list); i += 4 {
		t := Taken{
			Now: now, stored: redis.AsString(list[i]), Raw: redis.AsString(list[i+1]),
			Last: parsePlace(redis.AsString(list[i+2])), Waiting: int(redis.AsInt(list[i+3])),
		}
		if t.Entry, err = parseEntry(t.stored); err != nil {
			t.Raw = "" // of no known schedule: to be dropped
		}
		all = append(all, t)
	}
	return all, nil
}

// Clearing says what became of an entry.
type Clearing struct {
	Taken Taken
	Wait  bool   // it waits until an earlier job has ended
	Event *Event // for the history; nil: nothing
	Job   Place  // that it became, if any
}

// Clear takes entries out of their boxes. A repeat does nothing. The error is
// ErrTerm.
func (s *Store) Clear(ctx context.Context, term int64, clearings []Clearing) error {
	for len(clearings) > 0 {
		n := min(len(clearings), MaxTake)
		args := []any{term}
		for _, c := range clearings[:n] {
			what, line := "done", ""
			if c.Wait {
				what = "wait"
			}
			if c.Event != nil {
				line = c.Event.line(c.Taken.Schedule)
			}
			args = append(args, c.Taken.stored, what, line, c.Job.String())
		}
		if _, err := s.run(ctx, clearScript, args...); err != nil {
			return err
		}
		clearings = clearings[n:]
	}
	return nil
}
