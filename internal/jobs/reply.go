package jobs

import (
	"strconv"
	"time"
)

// Replies of scripts are lists of strings, integers and lists. What is missing or
// of another type reads as zero.

func asString(v any) string {
	s, _ := v.(string)
	return s
}

func asInt(v any) int64 {
	switch v := v.(type) {
	case int64:
		return v
	case string:
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			f, _ := strconv.ParseFloat(v, 64) // a score
			return int64(f)
		}
		return n
	}
	return 0
}

// asTime reads Unix ms; an empty string is the zero time.
func asTime(v any) time.Time {
	if s, ok := v.(string); ok && s == "" {
		return time.Time{}
	}
	return time.UnixMilli(asInt(v))
}

func asList(v any) []any {
	list, _ := v.([]any)
	return list
}

func asStrings(v any) []string {
	list := asList(v)
	if len(list) == 0 {
		return nil
	}
	out := make([]string, len(list))
	for i := range list {
		out[i] = asString(list[i])
	}
	return out
}

// unpack reads the list of ids that pack of turn.lua makes one string of. The ids are
// parts of it.
func unpack(s string) (ids []string, ok bool) {
	n, rest, ok1 := number(s, '|')
	size, rest, ok2 := number(rest, '|')
	if !ok1 || !ok2 || n > int64(len(rest)) {
		return nil, false
	}
	ids = make([]string, n)
	for i := range ids {
		length := uint64(size) //nolint:gosec // number gives no negative ones
		if size == 0 {
			if rest == "" {
				return nil, false
			}
			length, rest = uint64(rest[0]), rest[1:]
		}
		if ids[i], rest, ok = cut(rest, length); !ok {
			return nil, false
		}
	}
	return ids, rest == ""
}
