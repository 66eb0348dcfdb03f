package jobs

import (
	"embed"
	"fmt"
	"strings"

	"github.com/drayhorse/drayhorse/internal/redis"
)

//go:embed scripts
var files embed.FS

// script is one step of the engine. Its header says which keys it may touch and
// what its arguments are; the loader makes locals of both, so that header, script
// and caller cannot drift apart.
type script struct {
	*redis.Script
	index   int // in scripts
	columns []column
	args    []string // the named ones
	more    bool     // others follow the named ones, from local rest on
}

var scripts []*script

var (
	enqueueScript = load("enqueue")
	turnScript    = load("turn")
	beatScript    = load("beat")
	leaveScript   = load("leave")
	observeScript = load("observe")
	rescueScript  = load("rescue")
	cancelScript  = load("cancel")
	retryScript   = load("retry")
	deleteScript  = load("delete")
	purgeScript   = load("purge")
	sweepScript   = load("sweep")
	pauseScript   = load("pause")
	ringScript    = load("ring")
	inspectScript = load("inspect")
	lengthScript  = load("length")
	listScript    = load("list")
	summaryScript = load("summary")
	resyncScript  = load("resync")
)

func read(name string) string {
	text, err := files.ReadFile("scripts/" + name + ".lua")
	if err != nil {
		panic(err)
	}
	return string(text)
}

// load makes a script of its file: the line of flags, locals for the keys and the
// arguments, the prelude, and the file's own text.
func load(name string) *script {
	text := read(name)
	flags, body, _ := strings.Cut(text, "\n")
	s := &script{index: len(scripts)}
	scripts = append(scripts, s)
	for _, key := range headerLine(body, "KEYS") {
		s.columns = append(s.columns, columnOf(key))
	}
	s.args = headerLine(body, "ARGV")
	if n := len(s.args); n > 0 && s.args[n-1] == "..." {
		s.args, s.more = s.args[:n-1], true
	}
	var b strings.Builder
	b.WriteString(flags + "\nlocal call = redis.call\n")
	b.WriteString(locals("KEYS", headerLine(body, "KEYS")))
	b.WriteString(locals("ARGV", s.args))
	fmt.Fprintf(&b, "local rest = %d\n", len(s.args)+1)
	b.WriteString(read("prelude") + body)
	s.Script = redis.NewScript(name, b.String())
	return s
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

// call is one run of the script on a partition.
func (s *script) call(p *Partition, args ...any) redis.Call {
	return redis.Call{Script: s.Script, Keys: p.sets[s.index], Args: args}
}

// Scripts names the engine's scripts, as files, metrics and docs do.
func Scripts() []string {
	names := make([]string, len(scripts))
	for i, s := range scripts {
		names[i] = s.Name
	}
	return names
}
