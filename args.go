package drayhorse

import (
	"bytes"
	"encoding/json"
	"fmt"
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

// EncodeArgs gives the JSON of a job's arguments, at most limit bytes of it.
// Arguments made by [Raw] are validated and otherwise kept as they are. The
// errors are ErrInvalid and ErrArgsTooLarge.
func EncodeArgs(a Args, limit int) (json.RawMessage, error) {
	if a == nil {
		return nil, fmt.Errorf("%w: arguments are nil", ErrInvalid)
	}
	raw, isRaw := a.(rawArgs)
	encoded := raw.args
	if !isRaw {
		var err error
		if encoded, err = json.Marshal(a); err != nil {
			return nil, fmt.Errorf("%w: arguments of kind %q: %w", ErrInvalid, a.Kind(), err)
		}
	}
	if len(encoded) > limit {
		return nil, fmt.Errorf("%w: kind %q has %d bytes, at most %d are allowed", ErrArgsTooLarge, a.Kind(), len(encoded), limit)
	}
	if isRaw {
		return validRaw(raw)
	}
	return encoded, nil
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
