package redistest

import (
	"context"
	"encoding/json"
	"errors"
	"net"

	goredis "github.com/redis/go-redis/v9"
)

// Canned answers all commands of a client to which it is added as a hook: whatever is
// asked, it says the same, and no server is needed. It is for tests of those who read
// replies.
type Canned struct {
	Reply any
	Times int // after so many replies every command fails; 0: never
	given int
}

var errEaten = errors.New("redistest: no more canned replies")

// Reply makes a reply of JSON, as go-redis would give it: of strings, int64, lists and
// nil.
func Reply(text []byte) (reply any, ok bool) {
	var v any
	if json.Unmarshal(text, &v) != nil {
		return nil, false
	}
	return shaped(v), true
}

func shaped(v any) any {
	switch v := v.(type) {
	case float64:
		return int64(v)
	case []any:
		for i := range v {
			v[i] = shaped(v[i])
		}
		return v
	case string:
		return v
	default:
		return nil
	}
}

// DialHook is goredis.Hook's; nobody dials.
func (c *Canned) DialHook(goredis.DialHook) goredis.DialHook {
	return func(context.Context, string, string) (net.Conn, error) { return nil, errEaten }
}

// ProcessHook is goredis.Hook's.
func (c *Canned) ProcessHook(goredis.ProcessHook) goredis.ProcessHook {
	return func(_ context.Context, cmd goredis.Cmder) error { return c.answer(cmd) }
}

// ProcessPipelineHook is goredis.Hook's.
func (c *Canned) ProcessPipelineHook(goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return func(_ context.Context, cmds []goredis.Cmder) error {
		var first error
		for _, cmd := range cmds {
			if err := c.answer(cmd); err != nil && first == nil {
				first = err
			}
		}
		return first
	}
}

// answer gives a command the reply in the type that it has, and its zero value if that
// does not fit. Commands of rarer types fail.
func (c *Canned) answer(cmd goredis.Cmder) error {
	if c.given++; c.Times > 0 && c.given > c.Times {
		cmd.SetErr(errEaten)
		return errEaten
	}
	list, _ := c.Reply.([]any)
	switch cmd := cmd.(type) {
	case interface{ SetVal(val any) }:
		cmd.SetVal(c.Reply)
	case interface{ SetVal(val []any) }:
		cmd.SetVal(list)
	case interface{ SetVal(val string) }:
		text, _ := c.Reply.(string)
		cmd.SetVal(text)
	case interface{ SetVal(val int64) }:
		n, _ := c.Reply.(int64)
		cmd.SetVal(n)
	case interface{ SetVal(val []string) }:
		cmd.SetVal(texts(list))
	case interface{ SetVal(val map[string]string) }:
		pairs := map[string]string{}
		for flat := texts(list); len(flat) > 1; flat = flat[2:] {
			pairs[flat[0]] = flat[1]
		}
		cmd.SetVal(pairs)
	default:
		cmd.SetErr(errEaten)
		return errEaten
	}
	return nil
}

func texts(list []any) []string {
	all := make([]string, len(list))
	for i := range list {
		all[i], _ = list[i].(string)
	}
	return all
}
