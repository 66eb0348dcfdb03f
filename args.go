package drayhorse

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"unicode/utf8"
)

// Args are the arguments of a job: a plain struct, encoded as JSON, whose Kind
// names the handler.
type Args interface {
	// Kind is called on the zero value when a handler is registered, so it
	// must not depend on the fields.
	Kind() string
}

// Raw makes Args of JSON that is encoded already, for kinds that are only known
// at run time. The JSON is checked when the job is enqueued and kept byte for
// byte; none at all stands for null.
func Raw(kind string, args json.RawMessage) Args { return rawArgs{kind, args} }

type rawArgs struct {
	kind string
	args json.RawMessage
}

func (r rawArgs) Kind() string { return r.kind }

// Spec is one job of an EnqueueMany.
type Spec struct {
	Args    Args
	Options []Option
}

// KindOf gives the kind of arguments. The error is ErrInvalid: they are nil, or a nil
// pointer, their Kind panics, or it is no name of a kind.
func KindOf(a Args) (kind string, err error) {
	if err := notNil(a); err != nil {
		return "", err
	}
	defer caught(&err, "Kind", a)
	kind = a.Kind()
	return kind, ValidateKind(kind)
}

func notNil(a Args) error {
	if a == nil {
		return fmt.Errorf("%w: arguments are nil", ErrInvalid)
	}
	if v := reflect.ValueOf(a); v.Kind() == reflect.Pointer && v.IsNil() {
		return fmt.Errorf("%w: arguments are a nil %T", ErrInvalid, a)
	}
	return nil
}

// caught makes a panic of a caller's own method an error.
func caught(err *error, method string, a Args) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("%w: arguments of type %T: %s panics: %v", ErrInvalid, a, method, v)
	}
}

// EncodeArgs gives the JSON of a job's arguments, at most limit bytes of it.
// Arguments made by [Raw] are validated and otherwise kept as they are. The
// errors are ErrInvalid, also where their MarshalJSON panics, and ErrArgsTooLarge.
func EncodeArgs(a Args, limit int) (_ json.RawMessage, err error) {
	if err := notNil(a); err != nil {
		return nil, err
	}
	defer caught(&err, "MarshalJSON", a)
	raw, isRaw := a.(rawArgs)
	encoded := raw.args
	if !isRaw {
		if encoded, err = json.Marshal(a); err != nil {
			return nil, fmt.Errorf("%w: arguments of kind %q: %w", ErrInvalid, a.Kind(), err)
		}
	}
	if len(encoded) > limit {
		return nil, fmt.Errorf("%w: kind %q has %d bytes, at most %d are allowed", ErrArgsTooLarge, a.Kind(), len(encoded), limit)
	}
	if tooDeep(encoded) {
		return nil, fmt.Errorf("%w: arguments of kind %q are nested more than %d deep", ErrInvalid, a.Kind(), MaxArgsDepth)
	}
	if isRaw {
		return validRaw(raw)
	}
	return encoded, nil
}

// tooDeep reports whether JSON is nested more than MaxArgsDepth deep. Nearly always it
// is enough to count.
func tooDeep(data []byte) bool {
	if bytes.Count(data, []byte("["))+bytes.Count(data, []byte("{")) <= MaxArgsDepth {
		return false
	}
	depth, inText := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c == '"':
			inText = !inText
		case inText && c == '\\':
			i++ // what is escaped ends no text
		case inText:
		case c == '[' || c == '{':
			if depth++; depth > MaxArgsDepth {
				return true
			}
		case c == ']' || c == '}':
			depth--
		}
	}
	return false
}

func validRaw(r rawArgs) (json.RawMessage, error) {
	if len(bytes.TrimSpace(r.args)) == 0 {
		return json.RawMessage("null"), nil
	}
	if !utf8.Valid(r.args) {
		return nil, fmt.Errorf("%w: arguments of kind %q are not valid UTF-8", ErrInvalid, r.kind)
	}
	if err := checkJSON(r.args); err != nil {
		return nil, fmt.Errorf("%w: arguments of kind %q are not JSON: %w", ErrInvalid, r.kind, err)
	}
	return r.args, nil
}
