package produce

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/drayhorse/drayhorse"
)

// fields are the names that a line may have, and how each is taken.
var fields = map[string]func(j *job, value json.RawMessage) error{
	"kind":         func(j *job, v json.RawMessage) error { return takeText(v, func(s string) { j.kind = s }) },
	"args":         func(j *job, v json.RawMessage) error { j.args = v; return nil },
	"queue":        func(j *job, v json.RawMessage) error { return takeOption(j, v, drayhorse.Queue) },
	"id":           func(j *job, v json.RawMessage) error { return takeOption(j, v, drayhorse.ID) },
	"in":           func(j *job, v json.RawMessage) error { return takeDuration(j, v, drayhorse.In) },
	"at":           takeTime,
	"max_attempts": takeAttempts,
	"timeout":      func(j *job, v json.RawMessage) error { return takeDuration(j, v, drayhorse.Timeout) },
	"retain":       func(j *job, v json.RawMessage) error { return takeDuration(j, v, drayhorse.Retain) },
}

const fieldNames = "kind, args, queue, id, in, at, max_attempts, timeout, retain"

// job is what a line says.
type job struct {
	kind    string
	args    json.RawMessage
	options []drayhorse.Option
}

// parseJob reads a line. The error is why it cannot be a job. The spec shares no
// memory with the line.
func parseJob(text []byte) (drayhorse.Spec, error) {
	if !utf8.Valid(text) {
		return drayhorse.Spec{}, errors.New("not valid UTF-8")
	}
	var j job
	if err := eachField(bytes.Clone(text), j.take); err != nil {
		return drayhorse.Spec{}, err
	}
	return j.spec()
}

func (j *job) take(name string, value json.RawMessage) error {
	take, known := fields[name]
	if !known {
		return fmt.Errorf("field %q is not known; want %s", name, fieldNames)
	}
	if err := take(j, value); err != nil {
		return fmt.Errorf("field %s: %s; want %w", name, shorten(value), err)
	}
	return nil
}

// spec checks all that a producer would, so that one bad line refuses itself alone.
func (j *job) spec() (drayhorse.Spec, error) {
	if j.kind == "" {
		return drayhorse.Spec{}, errors.New("field kind is missing or empty")
	}
	if err := drayhorse.ValidateKind(j.kind); err != nil {
		return drayhorse.Spec{}, err
	}
	if _, err := drayhorse.Resolve(j.options...); err != nil {
		return drayhorse.Spec{}, err
	}
	args := drayhorse.Raw(j.kind, j.args)
	if _, err := drayhorse.EncodeArgs(args, drayhorse.DefaultMaxArgs); err != nil {
		return drayhorse.Spec{}, err
	}
	return drayhorse.Spec{Args: args, Options: j.options}, nil
}

// eachField calls take for each field of a JSON object. Names count exactly as
// they are written, and only once.
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
		for _, s := range seen {
			if s == name {
				return fmt.Errorf("field %q comes twice", name)
			}
		}
		seen = append(seen, name)
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return notJSON(err)
		}
		if err := take(name, value); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil { // the closing brace
		return notJSON(err)
	}
	if len(bytes.TrimSpace(text[d.InputOffset():])) > 0 {
		return errors.New("something follows the JSON object; want one a line")
	}
	return nil
}

func notJSON(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("not JSON: it ends too early")
	}
	return fmt.Errorf("not JSON: %s", strings.TrimPrefix(err.Error(), "json: "))
}

func takeText(value json.RawMessage, set func(string)) error {
	var s *string
	if err := json.Unmarshal(value, &s); err != nil || s == nil {
		return errors.New("text in quotes")
	}
	set(*s)
	return nil
}

func takeOption(j *job, value json.RawMessage, option func(string) drayhorse.Option) error {
	return takeText(value, func(s string) { j.options = append(j.options, option(s)) })
}

func takeDuration(j *job, value json.RawMessage, option func(time.Duration) drayhorse.Option) error {
	var d time.Duration
	var bad error
	if err := takeText(value, func(s string) { d, bad = time.ParseDuration(s) }); err != nil || bad != nil {
		return errors.New(`a duration such as "30s" or "5m"`)
	}
	j.options = append(j.options, option(d))
	return nil
}

func takeTime(j *job, value json.RawMessage) error {
	var t time.Time
	var bad error
	if err := takeText(value, func(s string) { t, bad = time.Parse(time.RFC3339, s) }); err != nil || bad != nil {
		return errors.New(`a time such as "2030-01-02T15:04:05Z"`)
	}
	j.options = append(j.options, drayhorse.At(t))
	return nil
}

func takeAttempts(j *job, value json.RawMessage) error {
	var n *int
	if err := json.Unmarshal(value, &n); err != nil || n == nil {
		return errors.New("a whole number")
	}
	j.options = append(j.options, drayhorse.MaxAttempts(*n))
	return nil
}

// shorten keeps a reason readable whatever the value is.
func shorten(value json.RawMessage) string {
	const most = 60
	if len(value) <= most {
		return string(value)
	}
	return strings.ToValidUTF8(string(value[:most]), "") + "..."
}
