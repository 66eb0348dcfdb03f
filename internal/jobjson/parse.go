package jobjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/drayhorse/drayhorse"
)

// Job is what a text says.
type Job struct {
	Spec     drayhorse.Spec
	Settings drayhorse.Settings // what the options of Spec come to
	Size     int                // of the arguments, in bytes
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

// byteOrderMark is what some programs of Windows begin every text with. It says
// nothing here, since all JSON is UTF-8.
var byteOrderMark = []byte("\xef\xbb\xbf")

// Parse reads a job, which shares no memory with the text. Beside the arguments it
// takes memory for their names alone, less than three times the size of the text. The
// error is an *Error.
func Parse(text []byte) (*Job, error) {
	job, err := parseJob(bytes.TrimPrefix(text, byteOrderMark))
	if err != nil {
		return nil, inField("", err)
	}
	return job, nil
}

func parseJob(text []byte) (*Job, error) {
	var d draft
	if err := eachField(text, d.take); err != nil {
		return nil, err
	}
	return d.job()
}

// draft is a job that is being read.
type draft struct {
	kind    string
	args    json.RawMessage // a part of the text
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
	if err != nil { // each is right alone
		field := "at" // beside in
		switch {
		case settings.ReplaceEnded && settings.ID == "":
			field = "replace_ended"
		case settings.Unique != nil:
			field = "unique"
		}
		return nil, &Error{field, err}
	}
	if n := len(d.args); n > drayhorse.DefaultMaxArgs {
		return nil, &Error{"args", fmt.Errorf("%w: kind %q has %d bytes, at most %d are allowed", drayhorse.ErrArgsTooLarge, d.kind, n, drayhorse.DefaultMaxArgs)}
	}
	args := drayhorse.Raw(d.kind, bytes.Clone(d.args))
	return &Job{drayhorse.Spec{Args: args, Options: d.options}, settings, len(d.args)}, nil
}

// eachField calls take for each field of a JSON object, with its value as it stands in
// the text. Names count exactly as they are written, and only once. Errors of take are
// given the field's name.
func eachField(text []byte, take func(name string, value json.RawMessage) error) error {
	d := newDecoder(text)
	if start, err := d.ReadToken(); err != nil || start.Kind() != '{' {
		if bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")) {
			return errors.New("an array, not a JSON object; want each job as an object of its own")
		}
		return errors.New("not a JSON object")
	}
	seen := make([]string, 0, 16)
	for d.PeekKind() != '}' {
		key, err := d.ReadToken()
		if err != nil {
			return notJSON(text, err)
		}
		name := key.String()
		if slices.Contains(seen, name) {
			return &Error{name, fmt.Errorf("field %q comes twice", name)}
		}
		seen = append(seen, name)
		value, err := d.ReadValue()
		if err != nil {
			return inField(name, notJSON(text, err))
		}
		if err := take(name, json.RawMessage(value)); err != nil {
			return inField(name, err)
		}
	}
	if _, err := d.ReadToken(); err != nil { // the closing brace
		return notJSON(text, err)
	}
	if len(bytes.TrimSpace(text[d.InputOffset():])) > 0 {
		return errors.New("something follows the JSON object; want it alone")
	}
	return nil
}

// newDecoder reads JSON where it stands. Names that come twice are found by checkArgs
// and eachField, in less memory than the decoder would take.
func newDecoder(text []byte) *jsontext.Decoder {
	return jsontext.NewDecoder(bytes.NewBuffer(text), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// notJSON says what is wrong with a text. encoding/json has the last word, in the words
// that everybody knows.
func notJSON(text []byte, err error) error {
	var whole json.RawMessage
	if said := json.Unmarshal(text, &whole); said != nil {
		err = said
	}
	if strings.Contains(err.Error(), "unexpected end of JSON input") {
		return errors.New("not JSON: it ends too early")
	}
	return fmt.Errorf("not JSON: %s", strings.TrimPrefix(strings.TrimPrefix(err.Error(), "json: "), "jsontext: "))
}

// inField says which field an error is of, unless it says so itself.
func inField(name string, err error) error {
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	return &Error{shorten(name), err}
}
