package schedule

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/conf"
	"github.com/drayhorse/drayhorse/scheduler"
)

// Tuning is what a scheduler declares and how, wherever its Redis is.
type Tuning struct {
	Source     string        `yaml:"source" arg:"NAME" usage:"name of the set of schedules that the config file declares (default made of the path of the file)"`
	DeclaredAt string        `yaml:"declared_at,omitempty" arg:"RFC3339" usage:"when the set was declared; an older one than the last changes nothing (default when the config file was changed)"`
	LeaseTTL   time.Duration `yaml:"lease_ttl" usage:"how long a leader that fell silent stays the leader"`
	Identity   string        `yaml:"identity" arg:"NAME" usage:"name of this scheduler while it leads, for people (default host name and process id)"`
	Schedules  []Schedule    `yaml:"schedules"`
}

// DefaultTuning has no schedules.
func DefaultTuning() Tuning { return Tuning{LeaseTTL: scheduler.DefaultLeaseTTL} }

// Schedule is one entry of the config file.
type Schedule struct {
	ID            string              `yaml:"id"`
	Cron          string              `yaml:"cron,omitempty"`
	Every         *time.Duration      `yaml:"every,omitempty"`
	Manual        bool                `yaml:"manual,omitempty"`
	Paused        bool                `yaml:"paused,omitempty"`
	Timezone      string              `yaml:"timezone,omitempty"`
	Start         string              `yaml:"start,omitempty"`
	End           string              `yaml:"end,omitempty"`
	Jitter        time.Duration       `yaml:"jitter,omitempty"`
	Kind          string              `yaml:"kind"`
	Args          conf.JSON           `yaml:"args,omitempty"`
	Queue         *string             `yaml:"queue,omitempty"`
	MaxAttempts   *int                `yaml:"max_attempts,omitempty"`
	Timeout       *time.Duration      `yaml:"timeout,omitempty"`
	Retain        *time.Duration      `yaml:"retain,omitempty"`
	StartWithin   *time.Duration      `yaml:"start_within,omitempty"`
	Priority      *drayhorse.Priority `yaml:"priority,omitempty"`
	Group         *string             `yaml:"group,omitempty"`
	Tags          []string            `yaml:"tags,omitempty"`
	CatchUp       scheduler.CatchUp   `yaml:"catch_up,omitempty"`
	CatchUpWindow time.Duration       `yaml:"catch_up_window,omitempty"`
	CatchUpMax    int                 `yaml:"catch_up_max,omitempty"`
	Overlap       scheduler.Overlap   `yaml:"overlap,omitempty"`
}

// Settle reports what is impossible, of the schedules all at once, as
// drayhorse.ErrInvalid.
func (t *Tuning) Settle() error {
	if t.LeaseTTL <= 0 {
		return fmt.Errorf("%w: lease_ttl %v; want at least 1s", drayhorse.ErrInvalid, t.LeaseTTL)
	}
	if _, err := moment("declared_at", t.DeclaredAt); err != nil {
		return err
	}
	seen := map[string]int{}
	var wrong []error
	for i := range t.Schedules {
		s, err := t.Schedules[i].schedule()
		if err == nil {
			err = s.Validate()
		}
		if first, known := seen[s.ID]; err == nil && known {
			err = fmt.Errorf("%w: id %s is that of schedules[%d] too; want another one", drayhorse.ErrInvalid, s.ID, first)
		}
		if err != nil {
			wrong = append(wrong, entryError(i, err))
			continue
		}
		seen[s.ID] = i
	}
	return errors.Join(wrong...)
}

// aboutKey finds what a mistake in a schedule is about: a key, or an option as Go calls it.
var aboutKey = regexp.MustCompile(`: invalid[a-z ]*: "?([A-Za-z_]+)`)

// entryError is what is wrong with a schedule, at the key that it is about if that is said.
func entryError(i int, err error) error {
	key := fmt.Sprintf("schedules[%d]", i)
	err = fmt.Errorf("%s: %w", key, err)
	if m := aboutKey.FindStringSubmatch(err.Error()); m != nil {
		key += "." + snake(m[1])
	}
	return &conf.KeyError{Key: key, Err: &optionError{err}}
}

// optionError is an error of an option, which it calls as the file does.
type optionError struct{ error }

// goOption is an option as Go calls it, with its value.
var goOption = regexp.MustCompile(`\b([A-Z][A-Za-z]+)\(([^()]*)\); want`)

func (e *optionError) Error() string {
	return goOption.ReplaceAllStringFunc(e.error.Error(), func(text string) string {
		m := goOption.FindStringSubmatch(text)
		return snake(m[1]) + " " + m[2] + "; want"
	})
}

// Unwrap gives the error as it is.
func (e *optionError) Unwrap() error { return e.error }

// snake gives max_attempts for MaxAttempts.
func snake(name string) string {
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// schedule gives the entry as a scheduler takes it.
func (e *Schedule) schedule() (scheduler.Schedule, error) {
	s := scheduler.Schedule{
		ID: e.ID, Cron: e.Cron, Manual: e.Manual, Paused: e.Paused, Timezone: e.Timezone, Jitter: e.Jitter,
		CatchUp: e.CatchUp, CatchUpWindow: e.CatchUpWindow, CatchUpMax: e.CatchUpMax, Overlap: e.Overlap,
	}
	if e.Every != nil {
		if s.Every = *e.Every; s.Every <= 0 {
			return s, fmt.Errorf("schedule %s: %w: every %v; want at least 1s", e.ID, drayhorse.ErrInvalid, s.Every)
		}
	}
	var err error
	if s.Start, err = moment("start", e.Start); err == nil {
		s.End, err = moment("end", e.End)
	}
	if err != nil {
		return s, fmt.Errorf("schedule %s: %w", e.ID, err)
	}
	args := e.Args
	if args == nil {
		args = conf.JSON("{}")
	}
	s.Args = drayhorse.Raw(e.Kind, json.RawMessage(args))
	option(&s.Options, e.Queue, drayhorse.Queue)
	option(&s.Options, e.MaxAttempts, drayhorse.MaxAttempts)
	option(&s.Options, e.Timeout, drayhorse.Timeout)
	option(&s.Options, e.Retain, drayhorse.Retain)
	option(&s.Options, e.StartWithin, drayhorse.StartWithin)
	option(&s.Options, e.Priority, func(p drayhorse.Priority) drayhorse.Option { return p })
	option(&s.Options, e.Group, drayhorse.Group)
	if len(e.Tags) > 0 {
		s.Options = append(s.Options, drayhorse.Tags(e.Tags...))
	}
	return s, nil
}

// moment reads the time of a setting; the zero time where none is given. YAML's own
// times are no help: the decoder drops a malformed one in silence.
func moment(name, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, fmt.Errorf("%w: %s %q; want a time such as 2030-01-02T15:04:05Z", drayhorse.ErrInvalid, name, text)
	}
	return t, nil
}

// option makes an option of a value that was given.
func option[T any](options *[]drayhorse.Option, value *T, make func(T) drayhorse.Option) {
	if value != nil {
		*options = append(*options, make(*value))
	}
}

// orZero gives a value, or the zero value where none was given.
func orZero[T any](value *T) T {
	if value == nil {
		var zero T
		return zero
	}
	return *value
}
