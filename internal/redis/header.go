package redis

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Header is what a script's file says of its keys and arguments, in comments:
//
//	-- KEYS ready bell
//	-- ARGV limit ...
//
// The loader makes locals of both, so that header, script and caller cannot drift
// apart.
type Header struct {
	Keys []string
	Each bool     // the keys are a set, of which a call has several: the script runs for each
	Args []string // the named ones
	More bool     // others follow them, from the local rest on
}

// ParseHeader reads the header of a script's file.
func ParseHeader(text string) Header {
	var h Header
	h.Keys, h.Each = cutDots(headerLine(text, "KEYS"))
	h.Args, h.More = cutDots(headerLine(text, "ARGV"))
	return h
}

// cutDots takes "..." off the end of names and says whether it was there.
func cutDots(names []string) ([]string, bool) {
	if n := len(names); n > 0 && names[n-1] == "..." {
		return names[:n-1], true
	}
	return names, false
}

// Assemble gives a script as Redis gets it: the line of flags, redis.call as call,
// locals for the keys and the arguments, what it needs of the prelude, and the
// file's own text.
func (h Header) Assemble(prelude, text string) string {
	flags, body, _ := strings.Cut(text, "\n")
	var b strings.Builder
	b.WriteString(flags + "\nlocal call = redis.call\n")
	if h.Each {
		fmt.Fprintf(&b, "local function one(%s)\n", strings.Join(h.Keys, ", "))
	} else {
		b.WriteString(locals("KEYS", h.Keys))
	}
	b.WriteString(locals("ARGV", h.Args))
	fmt.Fprintf(&b, "local rest = %d\n", len(h.Args)+1)
	b.WriteString(pick(prelude, body) + body)
	if h.Each {
		fmt.Fprintf(&b, forEach, len(h.Keys), len(h.Keys)-1)
	}
	return b.String()
}

// forEach runs a script for each set of keys. One that fails answers with its error
// and keeps the others from nothing.
const forEach = `end
local replies = {}
for i = 1, #KEYS, %d do
  local done, reply = pcall(one, unpack(KEYS, i, i + %d))
  if not done then
    reply = redis.error_reply(type(reply) == 'table' and reply.err or tostring(reply))
  end
  replies[#replies + 1] = reply
end
return replies
`

// declaration is how each part of a prelude starts: at the beginning of a line.
var declaration = regexp.MustCompile(`(?m)^local (?:function )?(\w+)`)

// pick gives the parts of a prelude that text needs, and those that they need. Redis
// makes the functions of a script anew for every run, so what is not needed costs.
func pick(prelude, text string) string {
	starts := declaration.FindAllStringSubmatchIndex(prelude, -1)
	end := len(prelude)
	var parts []string
	for i := len(starts) - 1; i >= 0; i-- { // a part needs only parts before it
		name, part := prelude[starts[i][2]:starts[i][3]], prelude[starts[i][0]:end]
		end = starts[i][0]
		if regexp.MustCompile(`\b` + name + `\b`).MatchString(text) {
			parts = append(parts, part)
			text += part
		}
	}
	slices.Reverse(parts)
	return strings.Join(parts, "")
}

func headerLine(text, word string) []string {
	for line := range strings.Lines(text) {
		if names, ok := strings.CutPrefix(line, "-- "+word+" "); ok {
			return strings.Fields(names)
		}
	}
	return nil
}

func locals(table string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	values := make([]string, len(names))
	for i := range names {
		values[i] = fmt.Sprintf("%s[%d]", table, i+1)
	}
	return fmt.Sprintf("local %s = %s\n", strings.Join(names, ", "), strings.Join(values, ", "))
}
