package schedules

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// Source is all the schedules that one program, or one file, declares.
type Source struct {
	// Name is what somebody has called it. "": nobody has, and it is Default or a
	// name that begins with it; see own.
	Name string
	// Default is the name that the program, or the file, has by itself. What was
	// declared under it may be declared under Name.
	Default string
	// DeclaredAt says which of two declarations of the source is the newer one.
	// Zero: now, by Redis's clock; a later time than that counts as now.
	DeclaredAt   time.Time
	Declarations []Declaration // settled, no ID twice
}

// What a reconcile does with a schedule.
const (
	ChangeAdd    = "add"
	ChangeUpdate = "update"
	ChangeRemove = "remove"
	ChangeClash  = "clash" // nothing: the schedule belongs to another source
	ChangeOlder  = "older" // nothing: the source was declared later by another program
	ChangeLeft   = "left"  // nothing: another program of the same default name may have declared it
)

// Change is what a reconcile does with one schedule.
type Change struct {
	ID     string
	What   string
	Owner  string // of a clash or of what is left; "" for schedules added at run time
	Before *Declaration
	After  *Declaration

	old *Status
	put put
}

// Diff says what Reconcile would do.
func (s *Store) Diff(ctx context.Context, source Source) ([]Change, error) {
	return s.diff(ctx, &source)
}

// earliest is when a source was declared that says that it was before: Redis has no
// earlier time that differs from never.
var earliest = time.UnixMilli(1)

// diff gives the changes. It settles the name of the source, and when it counts as
// declared.
func (s *Store) diff(ctx context.Context, source *Source) ([]Change, error) {
	now, stored, err := s.all(ctx)
	if err != nil {
		return nil, err
	}
	switch declared := source.DeclaredAt; {
	case declared.IsZero() || declared.After(now):
		source.DeclaredAt = now
	case declared.Before(earliest):
		source.DeclaredAt = earliest
	}
	unnamed := source.Name == ""
	if unnamed {
		source.Name = source.own(stored)
	}
	newest, err := s.Declared(ctx, source.Name)
	if err != nil {
		return nil, err
	}
	if source.DeclaredAt.UnixMilli() < newest.UnixMilli() {
		return []Change{{What: ChangeOlder, Owner: source.Name}}, nil
	}
	known := make(map[string]*Status, len(stored))
	for _, o := range stored {
		known[o.ID] = o
	}
	var changes []Change
	kept := make(map[string]bool, len(source.Declarations))
	for i := range source.Declarations {
		d := &source.Declarations[i]
		kept[d.ID] = true
		change, err := source.compare(d, known[d.ID], now)
		if err != nil {
			return nil, err
		}
		if change != nil {
			changes = append(changes, *change)
		}
	}
	for _, o := range stored {
		switch {
		case kept[o.ID]:
		case o.Source == source.Name:
			changes = append(changes, Change{ID: o.ID, What: ChangeRemove, Before: &o.Declaration, old: o})
		case unnamed && source.isDefault(o.Source):
			changes = append(changes, Change{ID: o.ID, What: ChangeLeft, Owner: o.Source, Before: &o.Declaration})
		}
	}
	return changes, nil
}

// Declared is when a source was declared last, as far as Redis knows; zero for never.
func (s *Store) Declared(ctx context.Context, source string) (time.Time, error) {
	values, err := s.client.HMGet(ctx, s.prefix+"sources", source).Result()
	if err != nil {
		return time.Time{}, words.Failure("look up source of schedules", err)
	}
	if ms := redis.AsInt(values[0]); ms > 0 {
		return time.UnixMilli(ms), nil
	}
	return time.Time{}, nil
}

// compare says what d changes; nil: nothing.
func (s *Source) compare(d *Declaration, old *Status, now time.Time) (*Change, error) {
	p, err := plan(d, old, now)
	if err != nil {
		return nil, err
	}
	if old == nil {
		return &Change{ID: d.ID, What: ChangeAdd, After: d, put: p}, nil
	}
	if old.Source != s.Name && !s.isDefault(old.Source) {
		return &Change{ID: d.ID, What: ChangeClash, Owner: old.Source, Before: &old.Declaration, After: d}, nil
	}
	before, err := old.encode()
	if err != nil {
		return nil, err
	}
	after, err := d.encode()
	if err != nil || before == after && old.Source == s.Name {
		return nil, err
	}
	return &Change{ID: d.ID, What: ChangeUpdate, Before: &old.Declaration, After: d, put: p}, nil
}

// Reconcile makes the stored schedules of a source those that it declares: it adds
// and changes what is declared and removes what no longer is, and leaves those of
// others alone. It gives what it did. If another program has declared the source
// later, it does nothing: the changes are one ChangeOlder.
func (s *Store) Reconcile(ctx context.Context, source Source) ([]Change, error) {
	return s.Declare(ctx, &source)
}

// Declare is Reconcile, and tells in source the name and the time that it has come to:
// a repeat is no newer, and of the same name.
func (s *Store) Declare(ctx context.Context, source *Source) ([]Change, error) {
	for _, name := range []string{source.Name, source.Default} {
		if name != "" || source.Name == source.Default {
			if err := drayhorse.ValidateID(name); err != nil {
				return nil, fmt.Errorf("source: %w", err)
			}
		}
	}
	var done []Change
	for range tries {
		attempt := *source
		changes, err := s.diff(ctx, &attempt)
		if err != nil {
			return done, err
		}
		source.DeclaredAt = attempt.DeclaredAt
		left, err := s.apply(ctx, attempt, changes, &done)
		if errors.Is(err, errOlder) {
			changes, left, err = []Change{{What: ChangeOlder, Owner: attempt.Name}}, false, nil
		}
		if err != nil {
			return done, err
		}
		if !left {
			source.Name = attempt.Name
			return append(done, nothings(changes)...), nil
		}
	}
	return done, fmt.Errorf("reconcile source %s: %w", cmp.Or(source.Name, source.Default), errBusy)
}

// nothings gives the changes that change nothing.
func nothings(changes []Change) []Change {
	return slices.DeleteFunc(changes, func(c Change) bool {
		return !slices.Contains([]string{ChangeClash, ChangeLeft, ChangeOlder}, c.What)
	})
}

// apply makes changes and adds those that it made to done. It reports whether some
// are left because something has changed meanwhile.
func (s *Store) apply(ctx context.Context, source Source, changes []Change, done *[]Change) (left bool, err error) {
	var puts, removes []Change
	for _, c := range changes {
		switch c.What {
		case ChangeAdd, ChangeUpdate:
			puts = append(puts, c)
		case ChangeRemove:
			removes = append(removes, c)
		}
	}
	if len(changes) == 1 && changes[0].What == ChangeOlder {
		return false, nil
	}
	for first := true; first || len(puts) > 0; first = false { // also without puts: the source is declared
		n := min(len(puts), pageSize)
		batch := make([]put, n)
		for i := range batch {
			batch[i] = puts[i].put
		}
		said, err := s.put(ctx, source.Name, source.DeclaredAt, batch)
		if err != nil {
			return false, err
		}
		left = keep(puts[:n], said, "stored", done) || left
		puts = puts[n:]
	}
	for len(removes) > 0 {
		n := min(len(removes), pageSize)
		old := make([]*Status, n)
		for i := range old {
			old[i] = removes[i].old
		}
		said, err := s.remove(ctx, source.Name, source.DeclaredAt, old)
		if err != nil {
			return false, err
		}
		left = keep(removes[:n], said, "removed", done) || left
		removes = removes[n:]
	}
	return left, nil
}

// keep adds the changes that were made to done, and reports whether there are
// others.
func keep(changes []Change, said []string, made string, done *[]Change) (left bool) {
	for i, c := range changes {
		if said[i] == made {
			*done = append(*done, c)
		} else {
			left = true
		}
	}
	return left
}
