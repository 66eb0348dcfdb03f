package scheduler

import (
	"github.com/drayhorse/drayhorse/internal/schedules"
	"github.com/drayhorse/drayhorse/internal/timetable"
)

// catalog keeps the schedules that a leader has read, by ID, so that none is
// parsed again while its declaration stays the same.
type catalog map[string]*parsed

type parsed struct {
	raw       string
	record    *schedules.Record
	timetable *timetable.Timetable
}

// maxCatalog is how many are kept.
const maxCatalog = 250_000

// get parses a declaration as stored, unless it is known.
func (c catalog) get(id, raw string) (*parsed, error) {
	if p := c[id]; p != nil && p.raw == raw {
		return p, nil
	}
	record, err := schedules.ParseRecord(raw)
	if err != nil {
		return nil, err
	}
	t, err := record.Timetable()
	if err != nil {
		return nil, err
	}
	if len(c) >= maxCatalog {
		clear(c)
	}
	p := &parsed{raw: raw, record: record, timetable: t}
	c[id] = p
	return p, nil
}
