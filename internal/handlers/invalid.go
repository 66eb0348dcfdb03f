package handlers

import (
	"errors"
	"fmt"
	"strings"

	"github.com/drayhorse/drayhorse"
)

// invalid is an impossible value at a place in the configuration. The place
// grows at its front on the way out, so that a message reads
// "invalid: handlers.digest.exec.timeout -1s; want 0 or more".
type invalid struct {
	key  string // "": the whole
	what string // the value and what would be right
}

func (e *invalid) Error() string {
	return fmt.Sprintf("%v: %s", drayhorse.ErrInvalid, strings.TrimSpace(e.key+" "+e.what))
}

func (e *invalid) Unwrap() error { return drayhorse.ErrInvalid }

func invalidf(key, format string, args ...any) error {
	return &invalid{key, fmt.Sprintf(format, args...)}
}

// prefix puts a key in front of the one that err names; nil stays nil.
func prefix(key string, err error) error {
	e, ok := errors.AsType[*invalid](err)
	switch {
	case ok && e.key == "":
		return &invalid{key, e.what}
	case ok:
		return &invalid{key + "." + e.key, e.what}
	case err != nil:
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}
