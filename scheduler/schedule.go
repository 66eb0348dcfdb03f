package scheduler

import (
	"fmt"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/schedules"
)

// Schedule is a rule that enqueues a job at each of its ticks: Cron, Every or Manual
// says when.
type Schedule struct {
	// ID names the schedule: 1-100 of letters, digits and _ . : -
	ID string
	// Cron has five fields, or six with seconds in front, or is one of @hourly,
	// @daily, @weekly, @monthly and @yearly. A zone in front, TZ=ZONE or
	// CRON_TZ=ZONE, is the Timezone.
	Cron string
	// Every is at least 1 s. The ticks are its multiples since the Unix epoch.
	Every time.Duration
	// Manual gives the schedule no ticks: it is triggered by hand, and backfilled never.
	Manual bool
	// Paused holds the ticks back from when this is first declared until an operator
	// resumes the schedule, or until it is declared without it. A change of it alone
	// pauses and resumes: what operators do in between stays.
	Paused bool
	// Timezone is the IANA name of the zone in which Cron is read. Empty: UTC.
	Timezone string
	// Start and End bound the ticks, both inclusive. Zero: no bound.
	Start, End time.Time
	// Jitter delays the job of each tick by a time from 0 to it, always the same
	// for the same tick.
	Jitter time.Duration

	// Args are the arguments of the jobs, and name their kind.
	Args drayhorse.Args
	// Options of the jobs, beside those that the arguments bring
	// (drayhorse.ArgsWithOptions). ID, ReplaceEnded, Unique, In, At and Durable are not allowed.
	Options []drayhorse.Option

	// CatchUp says which of the ticks that were missed are made up, because no
	// scheduler ran or Redis was away. Empty: CatchUpLast.
	CatchUp CatchUp
	// CatchUpWindow is how old a tick may be to be made up. 0: no limit for
	// CatchUpLast, 24 h for CatchUpAll.
	CatchUpWindow time.Duration
	// CatchUpMax is the most ticks that CatchUpAll makes up at once, the latest
	// ones. 0: 1000, which is also the most it can be.
	CatchUpMax int
	// Overlap says what a tick does while the last job of the schedule has not
	// ended. Empty: OverlapAllow.
	Overlap Overlap
}

// CatchUp says which of the ticks that were missed are made up.
type CatchUp string

// The ways to catch up.
const (
	// CatchUpSkip makes up nothing: a tick that comes more than [Grace] late is
	// dropped, and of several that are due at once all but the last.
	CatchUpSkip CatchUp = schedules.CatchUpSkip
	// CatchUpLast makes up the last one of the ticks that were missed.
	CatchUpLast CatchUp = schedules.CatchUpLast
	// CatchUpAll makes up all of them, the oldest first, within CatchUpWindow and
	// CatchUpMax.
	CatchUpAll CatchUp = schedules.CatchUpAll
)

// Overlap says what a tick does while the last job of its schedule has not ended.
type Overlap string

// The ways to overlap.
const (
	// OverlapAllow enqueues the job.
	OverlapAllow Overlap = schedules.OverlapAllow
	// OverlapSkip drops the tick.
	OverlapSkip Overlap = schedules.OverlapSkip
	// OverlapQueue enqueues the job when the last one has ended. One tick can
	// wait, and others that come meanwhile are dropped; with CatchUpAll, up to
	// CatchUpMax can.
	OverlapQueue Overlap = schedules.OverlapQueue
	// OverlapReplace cancels the last job and enqueues the new one at once. The
	// old one may still be ending when the new one begins.
	OverlapReplace Overlap = schedules.OverlapReplace
)

// Validate reports the first impossible value of a schedule, as
// drayhorse.ErrInvalid.
func (s Schedule) Validate() error {
	_, err := s.declaration()
	return err
}

// declaration validates the schedule and gives it as it is stored.
func (s *Schedule) declaration() (schedules.Declaration, error) {
	var none schedules.Declaration
	if err := schedules.ValidateID(s.ID); err != nil {
		return none, err
	}
	if s.Args == nil {
		return none, fmt.Errorf("schedule %s: %w: Args are nil; want the arguments of its jobs", s.ID, drayhorse.ErrInvalid)
	}
	given, err := drayhorse.Resolve(s.Options...)
	if err != nil {
		return none, fmt.Errorf("schedule %s: %w", s.ID, err)
	}
	settings, err := drayhorse.ResolveArgs(s.Args, s.Options...)
	if err != nil {
		return none, fmt.Errorf("schedule %s: %w", s.ID, err)
	}
	const own = drayhorse.FieldID | drayhorse.FieldIn | drayhorse.FieldAt | drayhorse.FieldDurable | drayhorse.FieldReplaceEnded | drayhorse.FieldUnique
	if given.Given&own != 0 {
		return none, fmt.Errorf("schedule %s: %w: options ID, ReplaceEnded, Unique, In, At and Durable are not for ticks; want none of them", s.ID, drayhorse.ErrInvalid)
	}
	args, err := drayhorse.EncodeArgs(s.Args, drayhorse.DefaultMaxArgs)
	if err != nil {
		return none, fmt.Errorf("schedule %s: %w", s.ID, err)
	}
	d := schedules.Declaration{
		ID: s.ID, Cron: s.Cron, Every: s.Every, Manual: s.Manual, Paused: s.Paused, Timezone: s.Timezone, Start: s.Start, End: s.End, Jitter: s.Jitter,
		Kind: s.Args.Kind(), Args: args, Queue: settings.Queue, MaxAttempts: settings.MaxAttempts,
		Timeout: settings.Timeout, Retain: settings.Retain, StartWithin: settings.StartWithin, Priority: settings.Priority, Group: settings.Group, Tags: settings.Tags,
		CatchUp: string(s.CatchUp), CatchUpWindow: s.CatchUpWindow, CatchUpMax: s.CatchUpMax, Overlap: string(s.Overlap),
	}
	return d, d.Settle()
}
