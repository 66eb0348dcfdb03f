package drayhorse

import (
	"fmt"
	"time"
)

// Defaults of the options.
const (
	DefaultQueue       = "default"
	DefaultMaxAttempts = 25
	DefaultTimeout     = 30 * time.Minute
)

// MaxDurable is the largest number of replicas that can be waited for.
const MaxDurable = 16

// The largest values that can be stored.
const (
	maxAttempts = 1 << 31
	maxDuration = 100 * 365 * 24 * time.Hour
)

// Option says how a job is to be enqueued. The last of two options of one kind
// wins. Options are made by the functions of this package only.
type Option interface{ apply(*Settings) }

// Settings are what a list of options comes to, for the packages that act on
// them; see [Resolve].
type Settings struct {
	Queue       string
	ID          string        // empty: one is made
	In          time.Duration // due that long from now, by Redis's clock
	At          time.Time     // due then; zero: at once
	MaxAttempts int
	Timeout     time.Duration // of one attempt
	Retain      time.Duration // how long the completed job is kept; 0: not at all
	Durable     int           // replicas that must confirm it; 0: none

	// ReplaceEnded: a job of that ID that has ended gives way to this one.
	ReplaceEnded bool
	// StartWithin: a job that has not started that long after it is due is discarded; 0:
	// it waits for as long as it takes.
	StartWithin time.Duration
	// Unique: the queue holds no other that counts as the same; nil: it may.
	Unique *UniqueBy
	// Priority: which of the jobs that wait start first.
	Priority Priority
	// Group: with whose jobs it takes turns with those of other groups; empty: those of none.
	Group string
	// Tags: words by which the job is found.
	Tags []string
	// Fresh: how old a result may be that is as good as a new one; see producer.Do.
	Fresh time.Duration

	Given Fields // which options were given
}

// Fields is a set of options.
type Fields uint32

// One member of Fields for each option.
const (
	FieldQueue Fields = 1 << iota
	FieldID
	FieldIn
	FieldAt
	FieldMaxAttempts
	FieldTimeout
	FieldRetain
	FieldDurable
	FieldReplaceEnded
	FieldUnique
	FieldStartWithin
	FieldFresh
	FieldTags
	FieldPriority
	FieldGroup
)

// Has reports whether all of f are in the set.
func (set Fields) Has(f Fields) bool { return set&f == f }

// Resolve applies options to the defaults and validates the outcome. The errors
// are ErrInvalid and ErrQueueInvalid.
func Resolve(options ...Option) (Settings, error) {
	s, err := resolveAny(options)
	if err != nil {
		return s, err
	}
	return s, s.refuseFresh()
}

// refuseFresh: elsewhere than in Do it would be dropped in silence.
func (s *Settings) refuseFresh() error {
	if s.Given.Has(FieldFresh) {
		return fmt.Errorf("%w: Fresh(%v); want it given to producer.Do, or Unique with Fresh", ErrInvalid, s.Fresh)
	}
	return nil
}

func resolveAny(options []Option) (Settings, error) {
	defaults := Settings{Queue: DefaultQueue, MaxAttempts: DefaultMaxAttempts, Timeout: DefaultTimeout}
	if len(options) == 0 {
		return defaults, nil
	}
	return resolve(defaults, options)
}

func resolve(s Settings, options []Option) (Settings, error) {
	for i, o := range options {
		if o == nil {
			return Settings{}, fmt.Errorf("%w: option %d is nil", ErrInvalid, i)
		}
		o.apply(&s)
	}
	return s, s.validate()
}

func (s *Settings) validate() error {
	if err := ValidateQueue(s.Queue); err != nil {
		return err
	}
	if s.Given.Has(FieldID) {
		if err := ValidateID(s.ID); err != nil {
			return err
		}
	}
	switch {
	case s.ReplaceEnded && !s.Given.Has(FieldID):
		return fmt.Errorf("%w: ReplaceEnded without ID; want the ID whose ended job is to be replaced", ErrInvalid)
	case s.Given.Has(FieldIn | FieldAt):
		return fmt.Errorf("%w: In(%v) and At(%v) are given together; want one of them", ErrInvalid, s.In, s.At.Format(time.RFC3339))
	case s.In < 0 || s.In > maxDuration:
		return fmt.Errorf("%w: In(%v); want a delay from 0 to 100 years", ErrInvalid, s.In)
	case s.Given.Has(FieldAt) && (s.At.Year() > 9999 || s.At.IsZero()):
		return fmt.Errorf("%w: At(%v); want a time from year 1 to 9999", ErrInvalid, s.At)
	case s.MaxAttempts < 1 || s.MaxAttempts > maxAttempts:
		return fmt.Errorf("%w: MaxAttempts(%d); want at least 1", ErrInvalid, s.MaxAttempts)
	case s.Timeout < time.Millisecond || s.Timeout > maxDuration:
		return fmt.Errorf("%w: Timeout(%v); want 1ms to 100 years", ErrInvalid, s.Timeout)
	case s.Retain < 0 || s.Retain > maxDuration:
		return fmt.Errorf("%w: Retain(%v); want 0 to 100 years", ErrInvalid, s.Retain)
	case s.Fresh < 0 || s.Fresh > maxDuration:
		return fmt.Errorf("%w: Fresh(%v); want 0 to 100 years", ErrInvalid, s.Fresh)
	case s.Durable < 0 || s.Durable > MaxDurable:
		return fmt.Errorf("%w: Durable(%d); want 0 to %d replicas", ErrInvalid, s.Durable, MaxDurable)
	}
	if err := s.validateTags(); err != nil {
		return err
	}
	if err := s.Priority.validate(); err != nil {
		return err
	}
	if s.Given.Has(FieldGroup) {
		if err := ValidateGroup(s.Group); err != nil {
			return err
		}
	}
	if err := s.validateStart(); err != nil {
		return err
	}
	if s.Unique != nil {
		return s.Unique.validate(s)
	}
	return nil
}

type option struct {
	field Fields
	set   func(*Settings)
}

func (o option) apply(s *Settings) {
	s.Given |= o.field
	o.set(s)
}

// Queue puts the job in the named queue. Default: "default".
func Queue(name string) Option {
	return option{FieldQueue, func(s *Settings) { s.Queue = name }}
}

// ID gives the job an ID of the caller's own, which makes Enqueue idempotent
// within the queue: while such a job is live, and for 24 h after it ended or was
// deleted, whatever the end, a second one is not added and Info.Duplicate is true.
// After that, or at once with [ReplaceEnded], a new job takes the place of what is kept of
// it.
func ID(id string) Option {
	return option{FieldID, func(s *Settings) { s.ID = id }}
}

// ReplaceEnded has a job with an ID of the caller's own take the place of one that has
// ended: nothing is kept of that, and the ID does not stay taken for 24 h. While the other
// is live the new one is a duplicate all the same. An Enqueue whose answer was lost is
// then no longer safe to repeat: the job may have run in the meantime. Default: not.
func ReplaceEnded() Option {
	return option{FieldReplaceEnded, func(s *Settings) { s.ReplaceEnded = true }}
}

// In makes the job available after d, by Redis's clock. Default: at once.
func In(d time.Duration) Option {
	return option{FieldIn, func(s *Settings) { s.In = d }}
}

// At makes the job available at t, by Redis's clock. A past time means at once.
func At(t time.Time) Option {
	return option{FieldAt, func(s *Settings) { s.At = t }}
}

// MaxAttempts is how often the handler may fail before the job is discarded.
// Default: 25.
func MaxAttempts(n int) Option {
	return option{FieldMaxAttempts, func(s *Settings) { s.MaxAttempts = n }}
}

// Timeout ends the context of one attempt after d. Default: 30 minutes.
func Timeout(d time.Duration) Option {
	return option{FieldTimeout, func(s *Settings) { s.Timeout = d }}
}

// Retain keeps the job and its result for d after it completed. Default: 0,
// gone at once. Discarded and cancelled jobs are kept for the longer of this
// and 30 days. What a queue keeps has bounds in number and bytes too; beyond them
// those that ended first go.
func Retain(d time.Duration) Option {
	return option{FieldRetain, func(s *Settings) { s.Retain = d }}
}

// Fresh says how old a result may be that producer.Do gives instead of running a job for
// it: that long since the job completed. Default: 0, none. Only Do takes it.
func Fresh(d time.Duration) Option {
	return option{FieldFresh, func(s *Settings) { s.Fresh = d }}
}

// Durable has Enqueue return only when n replicas of Redis have confirmed the job,
// beside the primary: it then survives the loss of the primary. If they do not within
// a second, the error is a [ReplicationError] and the job is stored all the same.
// Default: that of the producer, 0 if it says nothing.
func Durable(n int) Option {
	return option{FieldDurable, func(s *Settings) { s.Durable = n }}
}
