package schedules

import (
	"context"
	"time"

	"github.com/drayhorse/drayhorse/internal/redis"
)

// MaxFirings is how many schedules one call looks at, and MaxTicks how many ticks
// one call puts into the outbox beside those of its last schedule: Redis does
// nothing else meanwhile.
const (
	MaxFirings = 500
	MaxTicks   = 1000
)

// Due is a schedule whose next tick has come.
type Due struct {
	ID   string
	Tick time.Time
	Raw  string // its declaration as stored; "" if that is missing
}

// Look is what a leader sees.
type Look struct {
	Now     time.Time // by Redis's clock
	Next    time.Time // the earliest tick that is not due yet; zero: there is none
	Pending int       // entries of the outbox
	Due     []Due     // the earliest first, at most MaxFirings
}

// Look gives the schedules that are due, without the first offset ones. The error is
// ErrTerm for a leader that is one no more.
func (s *Store) Look(ctx context.Context, term int64, offset int) (*Look, error) {
	reply, err := s.run(ctx, lookScript, term, offset, MaxFirings)
	if err != nil {
		return nil, err
	}
	fields := redis.AsList(reply)
	if len(fields) != 4 {
		return nil, unexpected(lookScript, reply)
	}
	l := &Look{Now: redis.AsTime(fields[0]).UTC(), Next: redis.AsTime(fields[1]).UTC(), Pending: int(redis.AsInt(fields[2]))}
	due := redis.AsList(fields[3])
	for i := 0; i+2 < len(due); i += 3 {
		l.Due = append(l.Due, Due{ID: redis.AsString(due[i]), Tick: redis.AsTime(due[i+1]).UTC(), Raw: redis.AsString(due[i+2])})
	}
	return l, nil
}

// Firing moves a schedule on.
type Firing struct {
	ID       string
	Tick     time.Time // that was due
	Revision string    // that was looked at
	Next     time.Time // zero: it never fires again
	Decided  time.Time // the last tick that is decided by this
	Missed   *Event    // nil: none
	Entries  []Entry   // the ticks to be enqueued, in ascending order
}

// Fire moves schedules on and puts their ticks into the outbox, in one step. It
// tells for each whether it did, or something had changed. A repeat does nothing.
// The error is ErrTerm.
func (s *Store) Fire(ctx context.Context, term int64, firings []Firing) ([]bool, error) {
	args := []any{term}
	for _, f := range firings {
		line := ""
		if f.Missed != nil {
			line = f.Missed.line(f.ID)
		}
		args = append(args, f.ID, ms(f.Tick), f.Revision, ms(f.Next), ms(f.Decided), line, len(f.Entries))
		for _, e := range f.Entries {
			args = append(args, ms(e.Tick), e.String())
		}
	}
	reply, err := s.run(ctx, fireScript, args...)
	if err != nil {
		return nil, err
	}
	said := redis.AsString(reply)
	if len(said) != len(firings) {
		return nil, unexpected(fireScript, reply)
	}
	moved := make([]bool, len(firings))
	for i := range moved {
		moved[i] = said[i] == '1'
	}
	return moved, nil
}
