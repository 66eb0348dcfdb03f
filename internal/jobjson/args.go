package jobjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/drayhorse/drayhorse"
)

// checkArgs refuses arguments that programs would read differently, or not at all:
// a name that comes twice in an object, a number too large for a double, bytes that
// are not UTF-8. The error names the field inside the arguments.
func checkArgs(value json.RawMessage) error {
	if len(value) > drayhorse.DefaultMaxArgs {
		return nil // refused for its size
	}
	if !utf8.Valid(value) {
		return errors.New("field args: not valid UTF-8")
	}
	w := walk{decoder: json.NewDecoder(bytes.NewReader(value)), path: []string{"args"}}
	w.decoder.UseNumber()
	return w.value()
}

// walk goes through a JSON value, which is well-formed.
type walk struct {
	decoder *json.Decoder
	path    []string
}

func (w *walk) value() error {
	token, err := w.decoder.Token()
	if err != nil {
		return w.blame(notJSON(err))
	}
	switch t := token.(type) {
	case json.Number:
		if _, err := strconv.ParseFloat(string(t), 64); err != nil {
			return w.blame(fmt.Errorf("%s; want a number that a double can hold", shorten(string(t))))
		}
	case json.Delim:
		if t == '{' {
			return w.object()
		}
		return w.array()
	}
	return nil
}

func (w *walk) object() error {
	seen := map[string]struct{}{}
	for w.decoder.More() {
		key, err := w.decoder.Token()
		if err != nil {
			return w.blame(notJSON(err))
		}
		name, _ := key.(string)
		w.path = append(w.path, name)
		if _, twice := seen[name]; twice {
			return w.blame(errors.New("it comes twice"))
		}
		seen[name] = struct{}{}
		if err := w.value(); err != nil {
			return err
		}
		w.path = w.path[:len(w.path)-1]
	}
	_, err := w.decoder.Token() // the closing brace
	return err
}

func (w *walk) array() error {
	for i := 0; w.decoder.More(); i++ {
		w.path = append(w.path, strconv.Itoa(i))
		if err := w.value(); err != nil {
			return err
		}
		w.path = w.path[:len(w.path)-1]
	}
	_, err := w.decoder.Token() // the closing bracket
	return err
}

// blame makes the error of the place where the walk is.
func (w *walk) blame(err error) error {
	place := shorten(strings.Join(w.path, "."))
	return &Error{place, fmt.Errorf("field %s: %w", place, err)}
}

func notJSON(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("not JSON: it ends too early")
	}
	return fmt.Errorf("not JSON: %s", strings.TrimPrefix(err.Error(), "json: "))
}
