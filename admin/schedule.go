package admin

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/election"
	"github.com/drayhorse/drayhorse/internal/events"
	"github.com/drayhorse/drayhorse/internal/logs"
	"github.com/drayhorse/drayhorse/internal/schedules"
)

// Declaration is what a schedule was declared to be, defaults filled in; scheduler.Schedule
// says what the fields mean.
type Declaration struct {
	ID            string
	Cron          string        // empty: Every or Manual says when
	Every         time.Duration // 0: Cron or Manual does
	Manual        bool
	Paused        bool
	Timezone      string
	Start, End    time.Time
	Jitter        time.Duration
	Kind          string
	Args          json.RawMessage
	Queue         string
	MaxAttempts   int
	Timeout       time.Duration
	Retain        time.Duration
	StartWithin   time.Duration // 0: jobs wait for as long as it takes
	Priority      drayhorse.Priority
	Group         string // empty: none
	Tags          []string
	CatchUp       string // skip, last or all
	CatchUpWindow time.Duration
	CatchUpMax    int
	Overlap       string // allow, skip, queue or replace
}

// Schedule is a schedule with where it stands. Its JSON is in snake_case, with durations as
// in 1m30s.
type Schedule struct {
	Declaration

	Source string    // who declared it; empty: it was added at run time
	Next   time.Time // its next tick; zero: never again, or it is paused
	Last   time.Time // the last tick that was decided; zero: none
	Paused time.Time // since when; zero: it is not
}

// scheduleOf gives a schedule as it is stored; nil for nil.
func scheduleOf(s *schedules.Status) *Schedule {
	if s == nil {
		return nil
	}
	return &Schedule{Declaration: Declaration(s.Declaration), Source: s.Source, Next: s.Next, Last: s.Last, Paused: s.Paused}
}

func schedulesOf(found []*schedules.Status) []*Schedule {
	all := make([]*Schedule, len(found))
	for i, s := range found {
		all[i] = scheduleOf(s)
	}
	return all
}

// MarshalJSON writes a Schedule without the fields that have nothing to say.
func (s Schedule) MarshalJSON() ([]byte, error) {
	return json.Marshal(schedules.Status{
		Record: schedules.Record{Declaration: schedules.Declaration(s.Declaration), Source: s.Source},
		Next:   s.Next, Last: s.Last, Paused: s.Paused,
	})
}

// When says when it fires, such as "0 3 * * * in Europe/Paris".
func (s *Schedule) When() string {
	d := schedules.Declaration(s.Declaration)
	t, err := d.Timetable()
	if err != nil {
		return "cannot be read"
	}
	return t.String()
}

// Ticks gives its next n ticks, of which Next is the first; fewer where there are no more.
func (s *Schedule) Ticks(n int) (ticks []time.Time) {
	d := schedules.Declaration(s.Declaration)
	t, err := d.Timetable()
	if err != nil {
		return nil
	}
	for tick := s.Next; !tick.IsZero() && len(ticks) < n; tick = t.Next(tick) {
		ticks = append(ticks, tick)
	}
	return ticks
}

// Tick is one line of a schedule's history: a tick, and what became of it.
type Tick struct {
	Tick time.Time `json:"tick"`
	At   time.Time `json:"at"` // by Redis's clock
	// Outcome is enqueued; duplicate, if its queue had this tick or a later one; skipped or
	// missed, by the overlap or catch-up policy; delayed, while its queue takes no ticks;
	// triggered or backfilled, by hand.
	Outcome string          `json:"outcome"`
	Count   int             `json:"count,omitempty"` // of ticks, if more than one
	Queue   string          `json:"queue,omitempty"`
	JobID   string          `json:"job_id,omitempty"`
	State   drayhorse.State `json:"state,omitempty"` // of the job, as far as it is known still
	Error   string          `json:"error,omitempty"` // why nobody can say that
}

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
	return &SchedulePage{Schedules: schedulesOf(found), Next: next}, nil
}

// Upcoming gives the schedules that fire next, at most limit (1 to 500), the first in
// front. The error is drayhorse.ErrInvalid or ErrUnavailable.
func (a *Admin) Upcoming(ctx context.Context, limit int) ([]*Schedule, error) {
	if err := a.check(ctx); err != nil {
		return nil, err
	}
	found, _, err := a.schedules.Upcoming(ctx, limit)
	return schedulesOf(found), err
}

// Schedule gives one schedule. The error is drayhorse.ErrNotFound, ErrInvalid or
// ErrUnavailable.
func (a *Admin) Schedule(ctx context.Context, id string) (*Schedule, error) {
	if err := a.schedule(ctx, id); err != nil {
		return nil, err
	}
	found, err := a.schedules.Get(ctx, id)
	return scheduleOf(found), err
}

// ScheduleHistory gives the last ticks of a schedule, the latest first, with the states
// that their jobs have now. The errors are those of Schedule.
func (a *Admin) ScheduleHistory(ctx context.Context, id string) ([]Tick, error) {
	if err := a.schedule(ctx, id); err != nil {
		return nil, err
	}
	found, err := a.schedules.History(ctx, a.engine, id)
	ticks := make([]Tick, len(found))
	for i, e := range found {
		ticks[i] = Tick(e)
	}
	return ticks, err
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
	a.didSchedule(ctx, done, id)
	return nil
}

// didSchedule logs and tells of what was done to a schedule.
func (a *Admin) didSchedule(ctx context.Context, done, id string) {
	a.log.InfoContext(ctx, done, slog.String(logs.Schedule, id))
	a.did(done, events.Event{On: id})
}

// AddSchedule adds a schedule at run time, beside those that sources declare; the zero
// values of what scheduler.Schedule does not require are the defaults. With replace, it may
// have the ID of one that was added so before: another timing begins at once and keeps the
// last tick, any other change leaves the next one. The error is drayhorse.ErrInvalid,
// ErrDuplicate for an ID that is taken, or ErrUnavailable.
func (a *Admin) AddSchedule(ctx context.Context, d Declaration, replace bool) error {
	declared := schedules.Declaration(d)
	if err := declared.Settle(); err != nil {
		return err
	}
	if err := a.check(ctx); err != nil {
		return err
	}
	if err := a.schedules.Add(ctx, declared, replace); err != nil {
		return err
	}
	a.didSchedule(ctx, "schedule added", d.ID)
	return nil
}

// RemoveSchedule forgets a schedule; its jobs stay. One that a source declares comes back
// when that source is declared again. The errors are those of Schedule.
func (a *Admin) RemoveSchedule(ctx context.Context, id string) error {
	return a.steerSchedule(ctx, id, "schedule removed", a.schedules.Remove)
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
	a.did("schedule triggered", events.Event{On: id, Queue: place.Queue, JobID: place.ID})
	return place.Queue, place.ID, nil
}

// Backfilled is what a backfill did.
type Backfilled struct {
	Enqueued   int `json:"enqueued"`
	Duplicates int `json:"duplicates"` // ticks that the same backfill had enqueued before
}

// BackfillSchedule enqueues a job for each tick of a schedule from one time to another, both included, whether it has had one
// or not, at most 10,000. One that was cut off may be repeated: a tick that was backfilled is not enqueued again while its job lives
// and for 24 h after. The errors are those of Schedule; drayhorse.ErrInvalid also where there is no tick, or too many.
func (a *Admin) BackfillSchedule(ctx context.Context, id string, from, to time.Time) (Backfilled, error) {
	if err := a.schedule(ctx, id); err != nil {
		return Backfilled{}, err
	}
	filled, err := a.schedules.Backfill(ctx, a.engine, id, from, to)
	if filled.Enqueued > 0 {
		a.log.InfoContext(ctx, "schedule backfilled", slog.String(logs.Schedule, id), slog.Int("jobs", filled.Enqueued))
		a.did("schedule backfilled", events.Event{On: id})
	}
	return Backfilled(filled), err
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
	l := Leader(leader)
	return &l, nil
}
