package redis

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Assemble gives a script as Redis gets it: the line of flags, redis.call as call,
// locals for the keys and the arguments, what it needs of the prelude, and the
// file's own text.
//
// Redis makes the functions of a script anew for every run, so what is not needed
// costs. A block of which most runs make nothing gets its own part of the prelude where
// it has the line
//
//	-- PRELUDE
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
	b.WriteString(include(prelude, body))
	if h.Each {
		fmt.Fprintf(&b, forEach, len(h.Keys), len(h.Keys)-1)
	}
	return b.String()
}

// block is a block that gets a prelude of its own: the line that says so, indented, and
// the lines to the next one that is not indented as far.
var block = regexp.MustCompile(`(?m)` + blockAt(1) + `|` + blockAt(2) + `|` + blockAt(3))

// blockAt matches such a block that is nested so deep.
func blockAt(depth int) string {
	indent := strings.Repeat("  ", depth)
	return `^` + indent + `-- PRELUDE\n(?:(?:` + indent + `.*)?\n)*`
}

// include puts the parts of a prelude that text needs before it, and those that its
// blocks alone need into them.
func include(prelude, text string) string {
	parts := split(prelude)
	everywhere := needed(parts, block.ReplaceAllString(text, ""), nil)
	text = block.ReplaceAllStringFunc(text, func(inside string) string {
		return join(parts, needed(parts, inside, everywhere)) + inside
	})
	return join(parts, everywhere) + text
}

// part is one declaration of a prelude, with what follows up to the next one.
type part struct {
	name  string
	words map[string]bool
	text  string
}

// split gives the parts of a prelude. Each starts at the beginning of a line, with "local
// name" or "local function name".
func split(prelude string) []part {
	var parts []part
	begin, at, name := 0, 0, ""
	end := func() {
		if name != "" {
			parts = append(parts, part{name, words(prelude[begin:at]), prelude[begin:at]})
		}
	}
	for line := range strings.Lines(prelude) {
		if rest, declares := strings.CutPrefix(line, "local "); declares {
			end()
			rest = strings.TrimPrefix(rest, "function ")
			begin, name = at, rest[:len(rest)-len(strings.TrimLeftFunc(rest, isWord))]
		}
		at += len(line)
	}
	end()
	return parts
}

// words gives the words of a text, but for those in comments.
func words(text string) map[string]bool {
	all := map[string]bool{}
	for line := range strings.Lines(text) {
		code, _, _ := strings.Cut(line, "--")
		for word := range strings.FieldsFuncSeq(code, func(r rune) bool { return !isWord(r) }) {
			all[word] = true
		}
	}
	return all
}

func isWord(r rune) bool {
	return r == '_' || '0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z'
}

// needed says which of the parts text needs, and which of them those need, apart from
// what is there already.
func needed(parts []part, text string, there map[int]bool) map[int]bool {
	needs, used := map[int]bool{}, words(text)
	for i, p := range slices.Backward(parts) { // a part needs only parts before it
		if !there[i] && used[p.name] {
			needs[i] = true
			maps.Copy(used, p.words)
		}
	}
	return needs
}

func join(parts []part, which map[int]bool) string {
	var b strings.Builder
	for i, p := range parts {
		if which[i] {
			b.WriteString(p.text)
		}
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
