package jobs

import "github.com/drayhorse/drayhorse/internal/redis"

// The readers of replies, by short names: a reply of the engine has many parts.
var (
	asString  = redis.AsString
	asInt     = redis.AsInt
	asTime    = redis.AsTime
	asList    = redis.AsList
	asStrings = redis.AsStrings
)

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
