package filter

import (
	"encoding/json"
	"strconv"
)

// hasArgs reports whether arguments have each value that is asked for. Those that cannot be
// read have none.
func (f *Filter) hasArgs(args json.RawMessage) bool {
	for _, a := range f.Args {
		value, ok := at(args, a.Path)
		if !ok || !is(value, a.Value) {
			return false
		}
	}
	return true
}

// at gives the value at a path. Of each object and list on the way only one level is parsed.
func at(value json.RawMessage, path []string) (json.RawMessage, bool) {
	for _, name := range path {
		var fields map[string]json.RawMessage
		var list []json.RawMessage
		switch {
		case json.Unmarshal(value, &fields) == nil && fields != nil:
			next, ok := fields[name]
			if !ok {
				return nil, false
			}
			value = next
		case json.Unmarshal(value, &list) == nil:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(list) {
				return nil, false
			}
			value = list[i]
		default:
			return nil, false
		}
	}
	return value, true
}

// is compares a value with what was typed: a text with what is in its quotes, a number, true,
// false and null as they are written. Objects and lists are like nothing.
func is(value json.RawMessage, typed string) bool {
	switch {
	case len(value) == 0 || value[0] == '{' || value[0] == '[':
		return false
	case value[0] == '"':
		var text string
		return json.Unmarshal(value, &text) == nil && text == typed
	}
	return string(value) == typed
}
