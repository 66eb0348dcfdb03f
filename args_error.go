package drayhorse

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// ArgsError says that the arguments of a job do not fit the type of its handler: the
// producer is of another version than the worker, or wrong. The attempt has failed, and
// the job is tried again, since the next worker may be of the version that it fits.
type ArgsError struct {
	Kind  string
	Type  string // of the handler, such as "main.Welcome"
	Field string // that does not fit, such as "user_id" or "user.id"; empty: all of it, or it is no JSON
	Err   error
}

func newArgsError[T any](kind string, err error) *ArgsError {
	e := &ArgsError{Kind: kind, Type: reflect.TypeFor[T]().String(), Err: err}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		e.Field = wrong.Field
	} else if name, ok := unknownField(err); ok {
		e.Field = name
	}
	return e
}

// unknownField is the field that encoding/json does not know; it has no type for that.
func unknownField(err error) (string, bool) {
	name, ok := strings.CutPrefix(err.Error(), "json: unknown field ")
	return strings.Trim(name, `"`), ok
}

func (e *ArgsError) Error() string {
	begin := fmt.Sprintf("arguments of kind %q do not fit %s", e.Kind, e.Type)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](e.Err); ok {
		if e.Field == "" {
			return fmt.Sprintf("%s: they are a JSON %s; want %s", begin, wrong.Value, wrong.Type)
		}
		return fmt.Sprintf("%s: field %q is a JSON %s; want %s", begin, e.Field, wrong.Value, wrong.Type)
	}
	if e.Field != "" {
		return fmt.Sprintf("%s: field %q is not known to it", begin, e.Field)
	}
	return fmt.Sprintf("%s: %v", begin, e.Err)
}

// Unwrap gives the error of encoding/json.
func (e *ArgsError) Unwrap() error { return e.Err }
