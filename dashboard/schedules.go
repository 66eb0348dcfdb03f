package dashboard

import (
	"time"

	"github.com/drayhorse/drayhorse/admin"
)

const ticksShown = 10

// scheduleRow is a schedule in a list.
type scheduleRow struct {
	*admin.Schedule

	When       string
	NextTick   moment
	LastTick   moment
	PausedFor  moment
	Late       bool
	IsPaused   bool
	Unreadable bool // its declaration is damaged
}

func rowOfSchedule(s *admin.Schedule, now time.Time) scheduleRow {
	row := scheduleRow{
		Schedule: s, NextTick: when(s.Next, now), LastTick: when(s.Last, now), PausedFor: when(s.Paused, now),
		IsPaused: !s.Paused.IsZero(), Late: !s.Next.IsZero() && now.Sub(s.Next) > late,
	}
	table, err := s.Timetable()
	if err != nil {
		row.Unreadable, row.When = true, "cannot be read"
		return row
	}
	row.When = table.String()
	return row
}

type schedulesPage struct {
	Schedules []scheduleRow
	Next      string
	First     bool
	Leader    *admin.Leader
	LeaderFor moment
}

func listSchedules(q *request) error {
	r, err := q.board()
	if err != nil {
		return err
	}
	page, err := q.gate.schedules(q.r.Context(), q.value("cursor"))
	if err != nil {
		return err
	}
	p := &schedulesPage{Next: page.Next, First: q.value("cursor") == "", Leader: r.leader}
	if r.leader != nil {
		p.LeaderFor = when(r.leader.Since, r.now)
	}
	for _, s := range page.Schedules {
		p.Schedules = append(p.Schedules, rowOfSchedule(s, r.now))
	}
	return q.show("schedules", "Schedules", p)
}

// tickRow is a line of a schedule's history.
type tickRow struct {
	admin.Tick

	Nominal, Done moment
	Link          string
}

type schedulePage struct {
	scheduleRow

	Args    *document
	Ticks   []moment // to come
	History []tickRow
	Leads   bool // a scheduler does
}

func showSchedule(q *request) error {
	s, err := q.gate.scheduleOf(q.r.Context(), q.value("id"))
	if err != nil {
		return err
	}
	r, err := q.board()
	if err != nil {
		return err
	}
	p := &schedulePage{scheduleRow: rowOfSchedule(s, r.now), Args: treeOf(s.Args), Leads: r.leader != nil}
	if table, err := s.Timetable(); err == nil && !p.IsPaused {
		for tick := s.Next; !tick.IsZero() && len(p.Ticks) < ticksShown; tick = table.Next(tick) {
			p.Ticks = append(p.Ticks, when(tick, r.now))
		}
	}
	ticks, err := q.gate.history(q.r.Context(), s.ID)
	if err != nil {
		return err
	}
	for _, t := range ticks {
		row := tickRow{Tick: t, Nominal: when(t.Tick, r.now), Done: when(t.At, r.now)}
		if t.State != "" {
			row.Link = link("job", "queue", t.Queue, "id", t.JobID)
		}
		p.History = append(p.History, row)
	}
	return q.show("schedule", s.ID, p)
}
