package conf

import (
	"errors"
	"maps"
	"regexp"
	"strings"
)

// KeyError is what is wrong with a value of a file, by the key under which it stands.
type KeyError struct {
	Key string // such as schedules[3].cron
	Err error
}

func (e *KeyError) Error() string { return e.Err.Error() }

// Unwrap gives Err.
func (e *KeyError) Unwrap() error { return e.Err }

// firstKey is the key that a message names first, as all of them do that are about one.
var firstKey = regexp.MustCompile(`^(?:invalid: )?([a-z][a-z0-9_]*(?:\.[A-Za-z0-9_:-]+|\[[0-9]+\])*)\b`)

// Forget makes a value one of no line: something else than the file has the last word.
func (l Lines) Forget(key string) {
	maps.DeleteFunc(l.at, func(k string, _ int) bool {
		rest, ok := strings.CutPrefix(k, key)
		return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

// Locate gives err with the line of each value that it is about, as a *Problems; or err
// itself, if none of them stands in the file. A value's key is that of a KeyError, or the
// one that the message begins with.
func (l Lines) Locate(err error) error {
	all := split(err)
	found := make([]*Problem, len(all))
	located := false
	for i, one := range all {
		found[i] = &Problem{Line: l.lineOf(one), Text: strings.Join(strings.Fields(one.Error()), " ")}
		located = located || found[i].Line > 0
	}
	if !located {
		return err
	}
	return &Problems{l.File, found}
}

// split gives the errors that were joined.
func split(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || !strings.Contains(err.Error(), "\n") { // fmt.Errorf with two %w is one thing too
		return []error{err}
	}
	var all []error
	for _, one := range joined.Unwrap() {
		all = append(all, split(one)...)
	}
	return all
}

func (l Lines) lineOf(err error) int {
	if e, ok := errors.AsType[*Problems](err); ok && len(e.List) > 0 {
		return 0 // it names a file and its lines
	}
	if e, ok := errors.AsType[*KeyError](err); ok {
		return l.At(e.Key)
	}
	if m := firstKey.FindStringSubmatch(err.Error()); m != nil {
		return l.At(m[1])
	}
	return 0
}
