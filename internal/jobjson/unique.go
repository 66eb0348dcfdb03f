package jobjson

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/drayhorse/drayhorse"
)

// uniqueNames are the fields of unique, for people.
const uniqueNames = "key, fields, until, for, fresh, conflict, max_wait"

// takeUnique takes true, a key, or an object that says more. Whether it goes together with
// the rest of the job, the whole shows.
func takeUnique(d *draft, value json.RawMessage) error {
	by, err := uniqueBy(value)
	if err != nil {
		return err
	}
	if by != nil {
		d.options = append(d.options, drayhorse.Unique(*by))
	}
	return nil
}

func uniqueBy(value json.RawMessage) (*drayhorse.UniqueBy, error) {
	var by drayhorse.UniqueBy
	switch {
	case bytes.Equal(value, []byte("true")):
		return &by, nil
	case bytes.Equal(value, []byte("false")):
		return nil, nil //nolint:nilnil // as if it were not there
	case bytes.HasPrefix(value, []byte(`"`)):
		return &by, setUnique(&by, "key", value)
	case bytes.HasPrefix(value, []byte("{")):
		return &by, eachField(value, func(name string, value json.RawMessage) error {
			if err := setUnique(&by, name, value); err != nil {
				return &Error{"unique." + shorten(name), err}
			}
			return nil
		})
	}
	_, err := read("unique", func(json.RawMessage) (bool, error) { return false, errors.New("true, a key, or an object") }, value)
	return nil, err
}

func setUnique(by *drayhorse.UniqueBy, name string, value json.RawMessage) (err error) {
	field := "unique." + name
	switch name {
	case "key":
		by.Key, err = read(field, text, value)
		if err == nil && by.Key == "" {
			err = fmt.Errorf("field %s is empty; want a text, or true for kind and arguments", field)
		}
	case "fields":
		by.Fields, err = read(field, texts, value)
	case "until":
		err = setText(field, value, &by.Until)
	case "for":
		by.For, err = read(field, duration, value)
	case "fresh":
		by.Fresh, err = read(field, duration, value)
	case "conflict":
		err = setText(field, value, &by.Conflict)
	case "max_wait":
		by.MaxWait, err = read(field, duration, value)
	default:
		err = fmt.Errorf("field %q is not known; want %s", shorten(name), uniqueNames)
	}
	return err
}

func texts(value json.RawMessage) ([]string, error) {
	var list []*string
	if err := json.Unmarshal(value, &list); err != nil || list == nil {
		return nil, errors.New(`a list of texts such as ["a","b"]`)
	}
	names := make([]string, len(list))
	for i, name := range list {
		if name == nil {
			return nil, errors.New(`a list of texts such as ["a","b"]`)
		}
		names[i] = *name
	}
	return names, nil
}

// setText reads a text that has a form of its own.
func setText(field string, value json.RawMessage, into encoding.TextUnmarshaler) error {
	s, err := read(field, text, value)
	if err == nil {
		err = into.UnmarshalText([]byte(s))
	}
	return err
}
