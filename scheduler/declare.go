package scheduler

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/logs"
	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/schedules"
)

// clashPause is how long a schedule that belongs to another source is left alone
// before it is tried again: that source may give it up.
const clashPause = time.Minute

// source is what was declared here.
func (s *Scheduler) source() schedules.Source {
	return schedules.Source{Name: s.cfg.Source, Default: s.cfg.DefaultSource, DeclaredAt: s.cfg.DeclaredAt, Declarations: s.declared}
}

// What a Change is.
const (
	ChangeAdd    = schedules.ChangeAdd
	ChangeUpdate = schedules.ChangeUpdate
	ChangeRemove = schedules.ChangeRemove
	ChangeClash  = schedules.ChangeClash // nothing is done: the schedule belongs to another source
	ChangeOlder  = schedules.ChangeOlder // nothing: the whole source was declared later by another program
	ChangeLeft   = schedules.ChangeLeft  // nothing: it may be another program's, and no source is named
)

// Change is what Run, or Declare, does with one schedule.
type Change struct {
	// ID is the schedule's; empty for ChangeOlder.
	ID string `json:"id,omitempty"`
	// What is one of the constants.
	What string `json:"change"`
	// Owner is the source that the schedule belongs to where nothing is done; empty for
	// one that was added at run time.
	Owner string `json:"owner,omitempty"`
	// Before and After are the schedule as it is stored and as it was declared, in JSON as
	// admin.Schedule has it; nil: there is none.
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

// Diff says what Run would do when it starts, and does nothing. The error is
// drayhorse.ErrUnavailable.
func (s *Scheduler) Diff(ctx context.Context) ([]Change, error) {
	found, err := s.store.Diff(ctx, s.source())
	return changesOf(found), err
}

// Declare writes what was declared, as Run does when it starts, and gives what it did: it
// is for a program whose schedules others run. Where Config.DeclaredAt is zero they count
// as declared now. What belongs to another source is left alone; Change says so. A
// scheduler that declares nothing and has no source does nothing. The error is
// drayhorse.ErrUnavailable, beside the changes that were made, or what Run returns.
func (s *Scheduler) Declare(ctx context.Context) ([]Change, error) {
	if !s.declares() {
		return nil, nil
	}
	if err := s.client.Check(ctx); err != nil {
		return nil, err
	}
	source := s.source()
	found, err := s.store.Declare(ctx, &source)
	return changesOf(found), err
}

func changesOf(found []schedules.Change) []Change {
	changes := make([]Change, len(found))
	for i, c := range found {
		changes[i] = Change{ID: c.ID, What: c.What, Owner: c.Owner, Before: textOf(c.Before), After: textOf(c.After)}
	}
	return changes
}

// declares reports whether something is declared here, if only that there is nothing: a
// program without schedules and without a source runs those of others.
func (s *Scheduler) declares() bool { return len(s.declared) > 0 || s.named }

// textOf gives a declaration as it is stored.
func textOf(d *schedules.Declaration) json.RawMessage {
	if d == nil {
		return nil
	}
	text, _ := json.Marshal(d) // what was read from JSON, or written to it
	return text
}

// lossLook is how often a scheduler looks whether Redis still knows what was declared.
const lossLook = 5 * time.Second

// declare writes what was declared, however long Redis is away, and again when Redis
// has lost it.
func (s *Scheduler) declare(ctx context.Context) error {
	if err := s.check(ctx); err != nil {
		return err
	}
	if !s.declares() {
		return nil
	}
	source := s.source()
	if source.DeclaredAt.IsZero() {
		err := s.patiently(ctx, "ask redis for the time", func() (err error) {
			source.DeclaredAt, err = s.client.Time(ctx).Result()
			return redis.Wrap("time", err)
		})
		if err != nil {
			return err
		}
	}
	for ctx.Err() == nil {
		if err := s.reconcile(ctx, &source); err != nil {
			return err
		}
		if s.lost(ctx, source.Name) {
			s.log.WarnContext(ctx, "redis has lost the schedules, declaring them again", slog.String("source", source.Name))
		}
	}
	return nil
}

// check asks Redis once whether it can hold jobs. A Cluster of which a node does not
// answer is asked again beside what is done meanwhile: that may need other nodes.
func (s *Scheduler) check(ctx context.Context) error {
	err := s.client.Check(ctx)
	if !errors.Is(err, drayhorse.ErrUnavailable) {
		return err
	}
	s.checking.Go(func() {
		err := s.patiently(ctx, "check redis", func() error { return s.client.Check(ctx) })
		if err != nil {
			s.fail(err)
		}
	})
	return nil
}

// lost waits until Redis has lost what was declared here: it started without its data,
// or with an older backup. It reports false if ctx ends before.
func (s *Scheduler) lost(ctx context.Context, source string) bool {
	ticker := time.NewTicker(lossLook)
	defer ticker.Stop()
	var known time.Time
	for {
		declared, err := s.store.Declared(ctx, source)
		switch {
		case err != nil: // while Redis is away nothing is known
		case declared.IsZero() || declared.Before(known):
			return true
		default:
			known = declared
		}
		select {
		case <-ctx.Done():
			return false
		case <-ticker.C:
		}
	}
}

// reconcile writes what was declared, until nobody else claims any of it.
func (s *Scheduler) reconcile(ctx context.Context, source *schedules.Source) error {
	for {
		var changes []schedules.Change
		err := s.patiently(ctx, "declare schedules", func() (err error) {
			changes, err = s.store.Declare(ctx, source)
			return err
		})
		if err != nil || ctx.Err() != nil {
			return err
		}
		if !s.report(ctx, source.Name, changes) {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(clashPause):
		}
	}
}

// maxReported is how many changes of a kind are logged one by one.
const maxReported = 100

// report logs what a reconcile did, and what it left alone after that. It says whether
// it is to be tried again.
func (s *Scheduler) report(ctx context.Context, source string, changes []schedules.Change) (again bool) {
	by := map[string][]schedules.Change{}
	for _, c := range changes {
		by[c.What] = append(by[c.What], c)
	}
	each := func(what string, say func(schedules.Change)) {
		for _, c := range by[what][:min(len(by[what]), maxReported)] {
			say(c)
		}
		if more := len(by[what]) - maxReported; more > 0 {
			s.log.WarnContext(ctx, "and more", slog.String("change", what), slog.Int(logs.Count, more))
		}
	}
	if older := by[schedules.ChangeOlder]; len(older) > 0 {
		s.log.WarnContext(ctx, "schedules were declared later by another program and are left alone", slog.String("source", source))
		return false
	}
	for _, what := range []string{schedules.ChangeAdd, schedules.ChangeUpdate} {
		for _, c := range by[what] {
			s.log.DebugContext(ctx, "schedule declared", slog.String(logs.Schedule, c.ID), slog.String("change", what))
		}
	}
	each(schedules.ChangeRemove, func(c schedules.Change) {
		s.log.WarnContext(ctx, "schedule removed, its source declares it no more", slog.String(logs.Schedule, c.ID), slog.String("source", source))
	})
	clashes := by[schedules.ChangeClash]
	if count := len(s.declared) - len(clashes); count > 0 || len(clashes) == 0 {
		s.log.InfoContext(ctx, "schedules declared", slog.String("source", source), slog.Int(logs.Count, count),
			slog.Int("added", len(by[schedules.ChangeAdd])), slog.Int("changed", len(by[schedules.ChangeUpdate])), slog.Int("removed", len(by[schedules.ChangeRemove])))
	}
	each(schedules.ChangeClash, func(c schedules.Change) {
		s.log.ErrorContext(ctx, "schedule belongs to another source and is left alone; to take it over, name that source", slog.String(logs.Schedule, c.ID), slog.String("owner", c.Owner))
	})
	each(schedules.ChangeLeft, func(c schedules.Change) {
		s.log.WarnContext(ctx, "schedule may be another program's and is left alone; to have such removed, name a source", slog.String(logs.Schedule, c.ID), slog.String("owner", c.Owner))
	})
	return len(clashes) > 0
}

// patiently calls try until it does not fail for a Redis that is away, or ctx ends.
func (s *Scheduler) patiently(ctx context.Context, what string, try func() error) error {
	told := false
	for backoff := (redis.Backoff{}); ; {
		err := try()
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // it was told to stop
		case !errors.Is(err, drayhorse.ErrUnavailable):
			return err
		}
		if !told {
			s.log.WarnContext(ctx, "redis unavailable, still trying", slog.String("for", what), slog.Any(logs.Error, err))
			told = true
		}
		if !backoff.Wait(ctx) {
			return nil
		}
	}
}
