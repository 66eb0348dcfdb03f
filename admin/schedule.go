package admin

import (
	"context"
	"log/slog"
	"time"

	"github.com/drayhorse/drayhorse/internal/election"
	"github.com/drayhorse/drayhorse/internal/logs"
	"github.com/drayhorse/drayhorse/internal/schedules"
)

// Schedule is a schedule with where it stands: what was declared, its source, its next and
// last tick, and since when it is paused.
type Schedule = schedules.Status

// Tick is one line of a schedule's history: a tick, and what became of it.
type Tick = schedules.Event

// SchedulePage is a part of the schedules.
type SchedulePage struct {
	Schedules []*Schedule `json:"schedules"`
	// Next is the cursor of the next page; empty after the last.
	Next string `json:"next,omitempty"`
}

// Schedules gives a page of about 500 schedules, ordered by ID; pages themselves come in
// no order. cursor is SchedulePage.Next of the page before, "" for the first page.
// Schedules that are added or removed meanwhile may be passed over or come twice. The
// error is drayhorse.ErrInvalid for the cursor, or ErrUnavailable.
func (a *Admin) Schedules(ctx context.Context, cursor string) (*SchedulePage, error) {
	if err := a.check(ctx); err != nil {
		return nil, err
	}
	found, next, err := a.schedules.Page(ctx, cursor)
	if err != nil {
		return nil, err
	}
	return &SchedulePage{Schedules: found, Next: next}, nil
}

// Upcoming gives the schedules that fire next, at most limit (1 to 500), the first in
// front. The error is drayhorse.ErrInvalid or ErrUnavailable.
func (a *Admin) Upcoming(ctx context.Context, limit int) ([]*Schedule, error) {
	if err := a.check(ctx); err != nil {
		return nil, err
	}
	found, _, err := a.schedules.Upcoming(ctx, limit)
	return found, err
}

// Schedule gives one schedule. The error is drayhorse.ErrNotFound, ErrInvalid or
// ErrUnavailable.
func (a *Admin) Schedule(ctx context.Context, id string) (*Schedule, error) {
	if err := a.schedule(ctx, id); err != nil {
		return nil, err
	}
	return a.schedules.Get(ctx, id)
}

// ScheduleHistory gives the last ticks of a schedule, the latest first, with the states
// that their jobs have now. The errors are those of Schedule.
func (a *Admin) ScheduleHistory(ctx context.Context, id string) ([]Tick, error) {
	if err := a.schedule(ctx, id); err != nil {
		return nil, err
	}
	return a.schedules.History(ctx, a.engine, id)
}

// PauseSchedule stops the ticks of a schedule; those that come meanwhile are not made up.
// The errors are those of Schedule.
func (a *Admin) PauseSchedule(ctx context.Context, id string) error {
	return a.steerSchedule(ctx, id, "schedule paused", a.schedules.Pause)
}

// ResumeSchedule lets a paused schedule go on from its next tick. The errors are those of
// Schedule.
func (a *Admin) ResumeSchedule(ctx context.Context, id string) error {
	return a.steerSchedule(ctx, id, "schedule resumed", a.schedules.Resume)
}

func (a *Admin) steerSchedule(ctx context.Context, id, done string, act func(ctx context.Context, id string) error) error {
	if err := a.schedule(ctx, id); err != nil {
		return err
	}
	if err := act(ctx, id); err != nil {
		return err
	}
	a.log.InfoContext(ctx, done, slog.String(logs.Schedule, id))
	return nil
}

// TriggerSchedule enqueues a job of a schedule now, beside its ticks, whether it is paused
// or not, and gives where the job is. The errors are those of Schedule.
func (a *Admin) TriggerSchedule(ctx context.Context, id string) (queue, jobID string, err error) {
	if err := a.schedule(ctx, id); err != nil {
		return "", "", err
	}
	place, err := a.schedules.Trigger(ctx, a.engine, id)
	if err != nil {
		return "", "", err
	}
	a.log.InfoContext(ctx, "schedule triggered", slog.String(logs.Schedule, id), slog.String(logs.JobID, place.ID))
	return place.Queue, place.ID, nil
}

// schedule checks what is asked for one schedule.
func (a *Admin) schedule(ctx context.Context, id string) error {
	if err := schedules.ValidateID(id); err != nil {
		return err
	}
	return a.check(ctx)
}

// Leader is the scheduler that leads: who it is, since when by Redis's clock, and the
// number of its term.
type Leader struct {
	Identity string    `json:"identity"`
	Term     int64     `json:"term"`
	Since    time.Time `json:"since"`
}

// Leader says which scheduler leads; nil: none does. One that died is named until another
// one follows. The error is drayhorse.ErrUnavailable.
func (a *Admin) Leader(ctx context.Context) (*Leader, error) {
	if err := a.check(ctx); err != nil {
		return nil, err
	}
	leader, err := a.election.Leader(ctx)
	if err != nil || leader == (election.Leader{}) {
		return nil, err
	}
	return &Leader{Identity: leader.Identity, Term: leader.Term, Since: leader.Since}, nil
}
