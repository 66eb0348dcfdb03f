package jobjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/drayhorse/drayhorse"
)

// checkArgs refuses arguments that programs would read differently, or not at all:
// a name that comes twice in an object, a number too large for a double, bytes that
// are not UTF-8, more nesting than their readers stand. The error names the field
// inside the arguments. The value is well-formed.
func checkArgs(value json.RawMessage) error {
	if len(value) > drayhorse.DefaultMaxArgs {
		return nil // refused for its size
	}
	if !utf8.Valid(value) {
		return errors.New("field args: not valid UTF-8")
	}
	w := walk{text: value, decoder: newDecoder(value)}
	return w.run()
}

// walk goes through a JSON value. What it needs beside the value is a few bytes for
// each name of the objects that it is inside of.
type walk struct {
	text    []byte
	decoder *jsontext.Decoder
	names   []name // of the open objects, the innermost last
	opened  []int  // for each open object or array, how many names there were before it; of arrays -1
	plain   []byte // names that are written with escapes, without them
}

// name is where a name of an object stands: its bytes, without the quotes, in the text;
// or, if it is written with escapes, in plain.
type name struct {
	start, end uint32
	escaped    bool
}

func (w *walk) run() error {
	for {
		var err error
		kind, isName := w.decoder.PeekKind(), w.isName()
		switch kind {
		case '{', '[':
			err = w.open(kind)
		case '}', ']':
			err = w.close()
		default:
			err = w.scalar(isName)
		}
		if err != nil {
			return err
		}
		if len(w.opened) == 0 {
			return nil
		}
	}
}

// isName reports whether what comes next is a name, or the end of the object.
func (w *walk) isName() bool {
	kind, length := w.decoder.StackIndex(w.decoder.StackDepth())
	return kind == '{' && length%2 == 0
}

func (w *walk) open(kind jsontext.Kind) error {
	if len(w.opened) == drayhorse.MaxArgsDepth {
		return &Error{"args", fmt.Errorf("field args: nested more than %d deep", drayhorse.MaxArgsDepth)}
	}
	before := -1
	if kind == '{' {
		before = len(w.names)
	}
	w.opened = append(w.opened, before)
	return w.token()
}

func (w *walk) token() error {
	if _, err := w.decoder.ReadToken(); err != nil {
		return w.blame("", notJSON(w.text, err))
	}
	return nil
}

// close ends an object or an array, and looks for names that the object has twice.
func (w *walk) close() error {
	last := len(w.opened) - 1
	if last < 0 {
		return w.token() // says what is wrong
	}
	first := w.opened[last]
	w.opened = w.opened[:last]
	if err := w.token(); err != nil || first < 0 {
		return err
	}
	inside := w.names[first:]
	w.names = w.names[:first]
	slices.SortFunc(inside, func(a, b name) int { return bytes.Compare(w.bytesOf(a), w.bytesOf(b)) })
	for i := 1; i < len(inside); i++ {
		if twice := w.bytesOf(inside[i]); bytes.Equal(w.bytesOf(inside[i-1]), twice) {
			return w.blame(string(twice), errors.New("it comes twice"))
		}
	}
	if first == 0 {
		w.plain = w.plain[:0]
	}
	return nil
}

// scalar takes a name, or a value that is neither an object nor an array.
func (w *walk) scalar(isName bool) error {
	raw, err := w.decoder.ReadValue()
	if err != nil {
		return w.blame("", notJSON(w.text, err))
	}
	switch {
	case isName:
		w.names = append(w.names, w.newName(raw))
	case raw.Kind() == '0':
		return w.number(raw)
	}
	return nil
}

// newName takes note of the name that was just read.
func (w *walk) newName(raw []byte) name {
	if bytes.IndexByte(raw, '\\') < 0 {
		end := w.decoder.InputOffset() - 1                                 // the closing quote
		return name{uint32(end - int64(len(raw)) + 2), uint32(end), false} //nolint:gosec // below DefaultMaxArgs
	}
	before := len(w.plain)
	w.plain, _ = jsontext.AppendUnquote(w.plain, raw)       // what is odd about it stands as U+FFFD
	return name{uint32(before), uint32(len(w.plain)), true} //nolint:gosec // not longer than the text
}

func (w *walk) bytesOf(n name) []byte {
	if n.escaped {
		return w.plain[n.start:n.end]
	}
	return w.text[n.start:n.end]
}

func (w *walk) number(raw []byte) error {
	if len(raw) < 300 && !bytes.ContainsAny(raw, "eE") {
		return nil // fewer digits than the largest double has
	}
	if _, err := strconv.ParseFloat(string(raw), 64); err != nil {
		return w.blame("", fmt.Errorf("%s; want a number that a double can hold", shorten(string(raw))))
	}
	return nil
}

// blame makes the error of the place where the walk is, or of a name there.
func (w *walk) blame(name string, err error) error {
	path := []string{"args"}
	for token := range w.decoder.StackPointer().Tokens() {
		path = append(path, token)
	}
	if name != "" {
		path = append(path, name)
	}
	place := shorten(strings.Join(path, "."))
	return &Error{place, fmt.Errorf("field %s: %w", place, err)}
}
