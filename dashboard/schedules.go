package dashboard

import (
	"time"

	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/access"
	"github.com/drayhorse/drayhorse/internal/board"
	"github.com/drayhorse/drayhorse/internal/figures"
)

const ticksShown = 10

// scheduleRow is a schedule in a list.
type scheduleRow struct {
	*admin.Schedule

	NextTick  figures.Moment
	LastTick  figures.Moment
	PausedFor figures.Moment
	Late      bool
	IsPaused  bool
}

func rowOfSchedule(s *admin.Schedule, now time.Time) scheduleRow {
	return scheduleRow{
		Schedule: s, NextTick: figures.When(s.Next, now), LastTick: figures.When(s.Last, now), PausedFor: figures.When(s.Paused, now),
		IsPaused: !s.Paused.IsZero(), Late: !s.Next.IsZero() && now.Sub(s.Next) > board.Late,
	}
}

type schedulesPage struct {
	Schedules []scheduleRow
	Next      string
	First     bool
	Leader    *admin.Leader
	LeaderFor figures.Moment
	Adds      bool // the user may add one
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
	p := &schedulesPage{Next: page.Next, First: q.value("cursor") == "", Leader: r.Leader, Adds: q.may(access.Declare)}
	if r.Leader != nil {
		p.LeaderFor = figures.When(r.Leader.Since, r.Now)
	}
	for _, s := range page.Schedules {
		p.Schedules = append(p.Schedules, rowOfSchedule(s, r.Now))
	}
	return q.show("schedules", "Schedules", p)
}

// tickRow is a line of a schedule's history.
type tickRow struct {
	admin.Tick

	Nominal, Done figures.Moment
	Link          string
}

type schedulePage struct {
	scheduleRow

	Args    *document
	Ticks   []figures.Moment // to come
	History []tickRow
	Leads   bool // a scheduler does
	Edits   bool // the user may change it on a form
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
	p := &schedulePage{scheduleRow: rowOfSchedule(s, r.Now), Args: treeOf(s.Args), Leads: r.Leader != nil, Edits: q.mayEdit(s)}
	if !p.IsPaused {
		for _, tick := range s.Ticks(ticksShown) {
			p.Ticks = append(p.Ticks, figures.When(tick, r.Now))
		}
	}
	ticks, err := q.gate.history(q.r.Context(), s.ID)
	if err != nil {
		return err
	}
	for _, t := range ticks {
		row := tickRow{Tick: t, Nominal: figures.When(t.Tick, r.Now), Done: figures.When(t.At, r.Now)}
		if t.State != "" {
			row.Link = link("job", "queue", t.Queue, "id", t.JobID)
		}
		p.History = append(p.History, row)
	}
	return q.show("schedule", s.ID, p)
}
