package scheduler

import (
	"slices"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/internal/schedules"
)

// The table of catch-up: what is fired of the ticks that are due.
func TestDecide(t *testing.T) {
	t.Parallel()
	now := time.Date(2030, 1, 2, 12, 0, 0, 0, time.UTC)
	back := func(ds ...time.Duration) []time.Time {
		var all []time.Time
		for _, d := range ds {
			all = append(all, now.Add(-d))
		}
		return all
	}
	const s, h = time.Second, time.Hour
	for name, c := range map[string]struct {
		every       time.Duration
		declaration schedules.Declaration
		first       time.Duration // before now
		fire        []time.Time
		missed      int
		lost        time.Duration // before now
	}{
		"skip, on time":             {h, schedules.Declaration{CatchUp: schedules.CatchUpSkip}, 0, back(0), 0, 0},
		"skip, within the grace":    {10 * s, schedules.Declaration{CatchUp: schedules.CatchUpSkip}, 10 * s, back(0), 1, 10 * s},
		"skip, an hour late":        {24 * h, schedules.Declaration{CatchUp: schedules.CatchUpSkip}, 12 * h, nil, 1, 12 * h},
		"skip, one of many on time": {h, schedules.Declaration{CatchUp: schedules.CatchUpSkip}, 5 * h, back(0), 5, h},
		"last, on time":             {h, schedules.Declaration{CatchUp: schedules.CatchUpLast}, 0, back(0), 0, 0},
		"last, half a day late":     {24 * h, schedules.Declaration{CatchUp: schedules.CatchUpLast}, 12 * h, back(12 * h), 0, 0},
		"last of many":              {h, schedules.Declaration{CatchUp: schedules.CatchUpLast}, 5 * h, back(0), 5, h},
		"last, too late":            {24 * h, schedules.Declaration{CatchUp: schedules.CatchUpLast, CatchUpWindow: h}, 12 * h, nil, 1, 12 * h},
		"last of very many":         {s, schedules.Declaration{CatchUp: schedules.CatchUpLast}, 24 * 365 * h, back(0), maxCount, s},
		"all":                       {h, schedules.Declaration{CatchUp: schedules.CatchUpAll}, 3 * h, back(3*h, 2*h, h, 0), 0, 0},
		"all, within the window":    {h, schedules.Declaration{CatchUp: schedules.CatchUpAll, CatchUpWindow: 2 * h}, 5 * h, back(2*h, h, 0), 3, 3 * h},
		"all, within the day":       {12 * h, schedules.Declaration{CatchUp: schedules.CatchUpAll}, 60 * h, back(24*h, 12*h, 0), 3, 36 * h},
		"all, at most two":          {h, schedules.Declaration{CatchUp: schedules.CatchUpAll, CatchUpMax: 2}, 5 * h, back(h, 0), 4, 2 * h},
		"all of very many":          {s, schedules.Declaration{CatchUp: schedules.CatchUpAll, CatchUpMax: 3}, 24 * 365 * h, back(2*s, s, 0), maxCount, 3 * s},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.declaration.Every = c.every
			table, err := c.declaration.Timetable()
			if err != nil {
				t.Fatal(err)
			}
			d := decide(&c.declaration, table, now.Add(-c.first), now)
			if !slices.EqualFunc(d.fire, c.fire, time.Time.Equal) {
				t.Errorf("fire %v, want %v", d.fire, c.fire)
			}
			if d.missed != c.missed || d.missed > 0 && !d.lost.Equal(now.Add(-c.lost)) {
				t.Errorf("missed %d up to %v, want %d up to %v", d.missed, d.lost, c.missed, now.Add(-c.lost))
			}
			if !d.next.After(now) || d.last.After(now) || !table.Next(d.last).Equal(d.next) {
				t.Errorf("last %v, next %v; want neighbours around %v", d.last, d.next, now)
			}
		})
	}
}

// The table of overlap: what becomes of a tick.
func TestJudge(t *testing.T) {
	t.Parallel()
	const outbox, waiting = schedules.Outbox, schedules.Waiting
	for _, c := range []struct {
		overlap Overlap
		catchUp CatchUp
		box     schedules.Box
		waiting int
		running bool
		want    verdict
	}{
		{OverlapAllow, CatchUpLast, outbox, 0, false, send},
		{OverlapAllow, CatchUpLast, outbox, 0, true, send},
		{OverlapSkip, CatchUpLast, outbox, 0, false, send},
		{OverlapSkip, CatchUpLast, outbox, 0, true, skip},
		{OverlapReplace, CatchUpLast, outbox, 0, false, send},
		{OverlapReplace, CatchUpLast, outbox, 0, true, replace},
		{OverlapQueue, CatchUpLast, outbox, 0, false, send},
		{OverlapQueue, CatchUpLast, outbox, 0, true, wait},
		{OverlapQueue, CatchUpLast, outbox, 1, true, skip},
		{OverlapQueue, CatchUpAll, outbox, 1, true, wait},
		{OverlapQueue, CatchUpAll, outbox, 1000, true, skip},
		{OverlapQueue, CatchUpLast, waiting, 1, true, stay},
		{OverlapQueue, CatchUpLast, waiting, 1, false, send},
		// What waits goes first, also after the policy was changed.
		{OverlapQueue, CatchUpLast, outbox, 1, false, stay},
		{OverlapAllow, CatchUpLast, outbox, 1, true, stay},
		{OverlapAllow, CatchUpLast, waiting, 1, true, send},
		{OverlapSkip, CatchUpLast, outbox, 1, true, stay},
		{OverlapSkip, CatchUpLast, waiting, 1, true, skip},
	} {
		d := &schedules.Declaration{Overlap: string(c.overlap), CatchUp: string(c.catchUp)}
		if got := judge(d, c.box, c.waiting, c.running); got != c.want {
			t.Errorf("%+v: got %v", c, got)
		}
	}
}
