package jobjson

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/drayhorse/drayhorse"
	durations "github.com/drayhorse/drayhorse/internal/duration"
	"github.com/drayhorse/drayhorse/internal/printable"
)

// FieldNames are the fields that a job may have, for people.
const FieldNames = "kind, args, queue, id, in, at, max_attempts, timeout, retain, start_within, priority, group, tags, replace_ended, unique"

// fields are the same, and how each is taken.
var fields = map[string]func(d *draft, value json.RawMessage) error{
	"kind":          takeKind,
	"args":          takeArgs,
	"queue":         option("queue", text, drayhorse.Queue),
	"id":            option("id", text, drayhorse.ID),
	"in":            option("in", duration, drayhorse.In),
	"at":            option("at", moment, drayhorse.At),
	"max_attempts":  option("max_attempts", number, drayhorse.MaxAttempts),
	"timeout":       option("timeout", duration, drayhorse.Timeout),
	"retain":        option("retain", duration, drayhorse.Retain),
	"start_within":  option("start_within", duration, drayhorse.StartWithin),
	"priority":      option("priority", priority, func(p drayhorse.Priority) drayhorse.Option { return p }),
	"group":         option("group", text, drayhorse.Group),
	"tags":          option("tags", texts, func(tags []string) drayhorse.Option { return drayhorse.Tags(tags...) }),
	"replace_ended": takeReplaceEnded,
	"unique":        takeUnique,
}

func takeKind(d *draft, value json.RawMessage) (err error) {
	if d.kind, err = read("kind", text, value); err != nil {
		return err
	}
	if d.kind == "" {
		return nil // as if it were missing
	}
	return drayhorse.ValidateKind(d.kind)
}

func takeArgs(d *draft, value json.RawMessage) error {
	d.args = value
	return checkArgs(value)
}

// takeReplaceEnded leaves it to the whole job whether there is an ID: fields come in any
// order.
func takeReplaceEnded(d *draft, value json.RawMessage) error {
	yes, err := read("replace_ended", truth, value)
	if err == nil && yes {
		d.options = append(d.options, drayhorse.ReplaceEnded())
	}
	return err
}

// option makes a function that takes a field for an option.
func option[T any](name string, want func(json.RawMessage) (T, error), option func(T) drayhorse.Option) func(*draft, json.RawMessage) error {
	return func(d *draft, value json.RawMessage) error {
		v, err := read(name, want, value)
		if err != nil {
			return err
		}
		o := option(v)
		d.options = append(d.options, o)
		_, err = drayhorse.Resolve(o)
		return err
	}
}

// read gives the value of a field, or says what it should be.
func read[T any](name string, want func(json.RawMessage) (T, error), value json.RawMessage) (T, error) {
	if !utf8.Valid(value) {
		var none T
		return none, fmt.Errorf("field %s: not valid UTF-8", name)
	}
	v, err := want(value)
	if err != nil {
		return v, fmt.Errorf("field %s: %s; want %w", name, shorten(string(value)), err)
	}
	return v, nil
}

// text and its like read a value; the error is what they want.
func text(value json.RawMessage) (string, error) {
	var s *string
	if err := json.Unmarshal(value, &s); err != nil || s == nil {
		return "", errors.New("text in quotes")
	}
	return *s, nil
}

func duration(value json.RawMessage) (time.Duration, error) {
	s, err := text(value)
	if err == nil {
		var d time.Duration
		if d, err = durations.Parse(s); err == nil {
			return d, nil
		}
	}
	return 0, errors.New(`a duration such as "30s", "5m" or "7d"`)
}

func priority(value json.RawMessage) (p drayhorse.Priority, err error) {
	s, err := text(value)
	if err == nil {
		err = p.UnmarshalText([]byte(s))
	}
	if err != nil {
		return p, errors.New(`"low", "normal", "high" or "urgent"`)
	}
	return p, nil
}

func moment(value json.RawMessage) (time.Time, error) {
	s, err := text(value)
	if err == nil {
		var t time.Time
		if t, err = time.Parse(time.RFC3339, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errors.New(`a time such as "2030-01-02T15:04:05Z"`)
}

func number(value json.RawMessage) (int, error) {
	var n *int
	if err := json.Unmarshal(value, &n); err != nil || n == nil {
		return 0, errors.New("a whole number")
	}
	return *n, nil
}

func truth(value json.RawMessage) (bool, error) {
	switch string(value) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, errors.New("true or false")
}

// shorten keeps a reason readable whatever the value is.
func shorten(value string) string { return printable.Clip(value, 60) }
