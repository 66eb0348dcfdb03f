package jobs

import (
	"embed"

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
	each    bool     // it takes the keys of several partitions
	args    []string // the named ones
	more    bool     // others follow the named ones, from local rest on
}

var scripts []*script

var (
	enqueueScript = load("enqueue")
	pushScript    = load("push")
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

// load makes a script of its file.
func load(name string) *script {
	header := redis.ParseHeader(read(name))
	s := &script{index: len(scripts), args: header.Args, more: header.More, each: header.Each}
	scripts = append(scripts, s)
	for _, key := range header.Keys {
		s.columns = append(s.columns, columnOf(key))
	}
	s.Script = redis.NewScript(name, assemble(name))
	return s
}

// assemble gives the text of a script as Redis gets it.
func assemble(name string) string {
	text := read(name)
	return redis.ParseHeader(text).Assemble(read("prelude"), text)
}

// call is one run of the script on a partition.
func (s *script) call(p *Partition, args ...any) redis.Call {
	return redis.Call{Script: s.Script, Keys: p.sets[s.index], Args: args}
}

// callEach is one run of the script on several partitions, which are of one slot or on
// no Cluster.
func (s *script) callEach(partitions []*Partition) redis.Call {
	keys := make([]string, 0, len(partitions)*len(s.columns))
	for _, p := range partitions {
		keys = append(keys, p.sets[s.index]...)
	}
	return redis.Call{Script: s.Script, Keys: keys}
}

// Scripts names the engine's scripts, as files, metrics and docs do.
func Scripts() []string {
	names := make([]string, len(scripts))
	for i, s := range scripts {
		names[i] = s.Name
	}
	return names
}
