package redis

import (
	"strconv"
	"time"
)

// Replies of scripts are lists of strings, integers and lists. What is missing or of
// another type than expected reads as zero.

// AsString reads a string.
func AsString(v any) string {
	s, _ := v.(string)
	return s
}

// AsInt reads an integer, also one that Redis wrote as a score ("1e+06").
func AsInt(v any) int64 {
	switch v := v.(type) {
	case int64:
		return v
	case string:
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			f, _ := strconv.ParseFloat(v, 64)
			return int64(f)
		}
		return n
	}
	return 0
}

// AsTime reads Unix ms. An empty string and nil are the zero time.
func AsTime(v any) time.Time {
	if v == nil || v == "" {
		return time.Time{}
	}
	return time.UnixMilli(AsInt(v))
}

// AsList reads a list.
func AsList(v any) []any {
	list, _ := v.([]any)
	return list
}

// AsStrings reads a list of strings; nil if it is empty.
func AsStrings(v any) []string {
	list := AsList(v)
	if len(list) == 0 {
		return nil
	}
	out := make([]string, len(list))
	for i := range list {
		out[i] = AsString(list[i])
	}
	return out
}
