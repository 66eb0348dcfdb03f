package jobjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/drayhorse/drayhorse"
)

// Job is what a text says.
type Job struct {
	Spec     drayhorse.Spec
	Settings drayhorse.Settings // what the options of Spec come to
}

// Error is why a text is no job. It is drayhorse.ErrInvalid.
type Error struct {
	Field string // to blame: kind, or args.user.id for one inside the arguments; "": none alone
	Err   error  // says the field too
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Is makes it drayhorse.ErrInvalid.
func (e *Error) Is(target error) bool { return target == drayhorse.ErrInvalid }

// Parse reads a job, which shares no memory with the text. The error is an *Error.
func Parse(text []byte) (*Job, error) {
	var d draft
	if err := eachField(bytes.Clone(text), d.take); err != nil {
		return nil, inField("", err)
	}
	return d.job()
}

// draft is a job that is being read.
type draft struct {
	kind    string
	args    json.RawMessage
	options []drayhorse.Option
}

func (d *draft) take(name string, value json.RawMessage) error {
	take, known := fields[name]
	if !known {
		return fmt.Errorf("field %q is not known; want %s", shorten(name), FieldNames)
	}
	return take(d, value)
}

// job checks what no field shows alone.
func (d *draft) job() (*Job, error) {
	if d.kind == "" {
		return nil, &Error{"kind", errors.New("field kind is missing or empty")}
	}
	settings, err := drayhorse.Resolve(d.options...)
	if err != nil { // each is right alone: in and at are given together
		return nil, &Error{"at", err}
	}
	args := drayhorse.Raw(d.kind, d.args)
	if _, err := drayhorse.EncodeArgs(args, drayhorse.DefaultMaxArgs); err != nil {
		return nil, &Error{"args", err}
	}
	return &Job{drayhorse.Spec{Args: args, Options: d.options}, settings}, nil
}

// eachField calls take for each field of a JSON object. Names count exactly as
// they are written, and only once. Errors of take are given the field's name.
func eachField(text []byte, take func(name string, value json.RawMessage) error) error {
	d := json.NewDecoder(bytes.NewReader(text))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return errors.New("not a JSON object")
	}
	seen := make([]string, 0, len(fields))
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return notJSON(err)
		}
		name, _ := key.(string)
		if slices.Contains(seen, name) {
			return &Error{name, fmt.Errorf("field %q comes twice", name)}
		}
		seen = append(seen, name)
		var value json.RawMessage
		err = d.Decode(&value)
		if err != nil {
			err = notJSON(err)
		} else {
			err = take(name, value)
		}
		if err != nil {
			return inField(name, err)
		}
	}
	if _, err := d.Token(); err != nil { // the closing brace
		return notJSON(err)
	}
	if len(bytes.TrimSpace(text[d.InputOffset():])) > 0 {
		return errors.New("something follows the JSON object; want it alone")
	}
	return nil
}

// inField says which field an error is of, unless it says so itself.
func inField(name string, err error) error {
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	return &Error{shorten(name), err}
}
