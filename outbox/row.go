package outbox

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/drayhorse/drayhorse"
)

// row is one job on its way.
type row struct {
	id      int64 // 0: the database has given none yet
	queue   string
	jobID   string
	kind    string
	args    []byte
	options string        // as JSON; empty: none
	age     time.Duration // when it was read
	readAt  time.Time

	settings stored         // the options
	spec     drayhorse.Spec // for a producer
}

// size is what counts against the limits of a round trip, in bytes.
func (r *row) size() int {
	return len(r.queue) + len(r.jobID) + len(r.kind) + len(r.args) + len(r.options)
}

// stored are the options of a job that were given, apart from its queue and ID, as they
// stand in the table. What was not given is decided by the relay's producer.
type stored struct {
	MaxAttempts int                `json:"max_attempts,omitempty"`
	Timeout     string             `json:"timeout,omitempty"` // as time.Duration writes it
	Retain      string             `json:"retain,omitempty"`
	In          string             `json:"in,omitempty"` // from Enqueue on
	At          time.Time          `json:"at,omitzero"`
	Durable     *int               `json:"durable,omitempty"`
	StartWithin string             `json:"start_within,omitempty"` // from Enqueue on, or when it is due
	Priority    drayhorse.Priority `json:"priority,omitempty"`
	Group       string             `json:"group,omitempty"`
	Tags        []string           `json:"tags,omitempty"`
}

// newRow validates a spec as a producer does. A job without an ID gets one: by it, it is
// stored once.
func (b *Box) newRow(spec drayhorse.Spec) (*row, error) {
	settings, err := drayhorse.ResolveArgs(spec.Args, spec.Options...)
	if err != nil {
		return nil, err
	}
	if settings.Unique != nil {
		return nil, fmt.Errorf("%w: Unique is not for the outbox, which stores a job once by an ID; want ID with a text of your own, which is unique too", drayhorse.ErrInvalid)
	}
	if settings.ReplaceEnded {
		return nil, fmt.Errorf("%w: ReplaceEnded is not for the outbox, which stores a job once because its ID is taken; want an ID that was not used, or none", drayhorse.ErrInvalid)
	}
	kind, err := drayhorse.KindOf(spec.Args)
	if err != nil {
		return nil, err
	}
	args, err := drayhorse.EncodeArgs(spec.Args, b.maxArgs)
	if err != nil {
		return nil, err
	}
	options, err := encodeOptions(settings)
	if err != nil {
		return nil, err
	}
	id := settings.ID
	if id == "" {
		made, err := uuid.NewV7()
		if err != nil {
			return nil, err
		}
		id = made.String()
	}
	return &row{queue: settings.Queue, jobID: id, kind: kind, args: args, options: options}, nil
}

func encodeOptions(s drayhorse.Settings) (string, error) {
	var o stored
	given := s.Given.Has
	if given(drayhorse.FieldMaxAttempts) {
		o.MaxAttempts = s.MaxAttempts
	}
	if given(drayhorse.FieldTimeout) {
		o.Timeout = s.Timeout.String()
	}
	if given(drayhorse.FieldRetain) {
		o.Retain = s.Retain.String()
	}
	if s.In > 0 {
		o.In = s.In.String()
	}
	if given(drayhorse.FieldAt) {
		o.At = s.At
	}
	if given(drayhorse.FieldDurable) {
		o.Durable = &s.Durable
	}
	if s.StartWithin > 0 {
		o.StartWithin = s.StartWithin.String()
	}
	o.Priority, o.Group, o.Tags = s.Priority, s.Group, s.Tags
	text, err := json.Marshal(o)
	if string(text) == "{}" {
		return "", nil
	}
	return string(text), err
}

// ready makes the job for a producer. The error, drayhorse.ErrInvalid, says why the row
// can never be moved.
func (r *row) ready() error {
	if r.options != "" {
		d := json.NewDecoder(strings.NewReader(r.options))
		d.DisallowUnknownFields() // of a newer version: what they mean is not known here
		if err := d.Decode(&r.settings); err != nil {
			return fmt.Errorf("%w: options %s: %w", drayhorse.ErrInvalid, r.options, err)
		}
	}
	options, err := r.settings.options(r.age)
	if err != nil {
		return fmt.Errorf("%w: options %s: %w", drayhorse.ErrInvalid, r.options, err)
	}
	options = append(options, drayhorse.Queue(r.queue), drayhorse.ID(r.jobID))
	r.spec = drayhorse.Spec{Args: drayhorse.Raw(r.kind, r.args), Options: options}
	return nil
}

// options are those that were given, for a row of that age.
func (s *stored) options(age time.Duration) (options []drayhorse.Option, err error) {
	duration := func(text string) (d time.Duration) {
		d, failed := time.ParseDuration(text)
		err = cmp.Or(err, failed)
		return d
	}
	if s.MaxAttempts != 0 {
		options = append(options, drayhorse.MaxAttempts(s.MaxAttempts))
	}
	if s.Timeout != "" {
		options = append(options, drayhorse.Timeout(duration(s.Timeout)))
	}
	if s.Retain != "" {
		options = append(options, drayhorse.Retain(duration(s.Retain)))
	}
	if s.In != "" { // what is left of it
		options = append(options, drayhorse.In(max(0, duration(s.In)-age)))
	}
	if !s.At.IsZero() {
		options = append(options, drayhorse.At(s.At))
	}
	if s.Durable != nil {
		options = append(options, drayhorse.Durable(*s.Durable))
	}
	if s.Priority != drayhorse.Normal {
		options = append(options, s.Priority)
	}
	if s.Group != "" {
		options = append(options, drayhorse.Group(s.Group))
	}
	if len(s.Tags) > 0 {
		options = append(options, drayhorse.Tags(s.Tags...))
	}
	if s.StartWithin != "" { // what is left of it; a job that is late is seen to have expired
		waited := max(0, age-duration(cmp.Or(s.In, "0s")))
		if !s.At.IsZero() {
			waited = 0 // it counts from then, or from when it is moved
		}
		options = append(options, drayhorse.StartWithin(max(time.Millisecond, duration(s.StartWithin)-waited)))
	}
	return options, err
}
