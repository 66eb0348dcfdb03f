package schedules

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// pageSize is about how many schedules one call reads.
const pageSize = 500

// Status is a schedule with where it stands.
type Status struct {
	Record

	Next   time.Time // zero: never again, or it is paused
	Last   time.Time // the last tick that was decided; zero: none
	Paused time.Time // since when; zero: it is not
}

// MarshalJSON writes a Status in snake_case, without the fields that have nothing
// to say.
func (s Status) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		wire

		Source string    `json:"source,omitempty"`
		Next   time.Time `json:"next,omitzero"`
		Last   time.Time `json:"last,omitzero"`
		Paused time.Time `json:"paused,omitzero"`
	}{s.wire(), s.Source, s.Next, s.Last, s.Paused})
}

// Get gives one schedule. The error is drayhorse.ErrNotFound.
func (s *Store) Get(ctx context.Context, id string) (*Status, error) {
	status, _, err := s.get(ctx, id)
	return status, err
}

// get gives one schedule and the time by Redis's clock.
func (s *Store) get(ctx context.Context, id string) (*Status, time.Time, error) {
	page, err := s.list(ctx, "0", id)
	if err != nil {
		return nil, time.Time{}, err
	}
	if len(page.found) == 0 {
		return nil, page.now, fmt.Errorf("%w: schedule %s", drayhorse.ErrNotFound, id)
	}
	return page.found[0], page.now, nil
}

// List gives all schedules, ordered by ID.
func (s *Store) List(ctx context.Context) ([]*Status, error) {
	_, all, err := s.all(ctx)
	return all, err
}

// all gives all schedules and the time by Redis's clock before they were read.
func (s *Store) all(ctx context.Context) (time.Time, []*Status, error) {
	var now time.Time
	var all []*Status
	for cursor := "0"; ; {
		page, err := s.list(ctx, cursor)
		if err != nil {
			return now, nil, err
		}
		if now.IsZero() {
			now = page.now
		}
		all = append(all, page.found...)
		if cursor = page.cursor; cursor == "0" {
			break
		}
	}
	slices.SortFunc(all, func(a, b *Status) int { return cmp.Compare(a.ID, b.ID) })
	return now, slices.CompactFunc(all, func(a, b *Status) bool { return a.ID == b.ID }), nil
}

type page struct {
	now    time.Time
	cursor string
	found  []*Status
}

func (s *Store) list(ctx context.Context, cursor string, ids ...string) (*page, error) {
	args := []any{cursor, pageSize}
	for _, id := range ids {
		args = append(args, id)
	}
	reply, err := s.run(ctx, listScript, args...)
	if err != nil {
		return nil, err
	}
	fields := redis.AsList(reply)
	if len(fields) != 3 {
		return nil, unexpected(listScript, reply)
	}
	p := &page{now: redis.AsTime(fields[0]).UTC(), cursor: redis.AsString(fields[1])}
	rows := redis.AsList(fields[2])
	for i := 0; i+4 < len(rows); i += 5 {
		record, err := ParseRecord(redis.AsString(rows[i+1]))
		if err != nil { // shown, so that it can be removed
			raw := redis.AsString(rows[i+1])
			record = &Record{Declaration: Declaration{ID: redis.AsString(rows[i]), Kind: err.Error()}, Revision: RevisionOf(raw)}
		}
		p.found = append(p.found, &Status{
			Record: *record, Next: redis.AsTime(rows[i+2]).UTC(), Last: redis.AsTime(rows[i+3]).UTC(), Paused: redis.AsTime(rows[i+4]).UTC(),
		})
	}
	return p, nil
}
