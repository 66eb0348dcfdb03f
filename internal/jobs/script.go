package jobs

import (
	"embed"

	"github.com/drayhorse/drayhorse/internal/redis"
)

//go:embed scripts
var files embed.FS

// library is the scripts, each of which is one step of the engine.
var library = redis.NewLibrary(files, columns...)

// script is one of them, with its place in scripts.
type script struct {
	*redis.Script
	index int
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
	aliveScript   = load("alive")
	cancelScript  = load("cancel")
	retryScript   = load("retry")
	deleteScript  = load("delete")
	editScript    = load("edit")
	purgeScript   = load("purge")
	sweepScript   = load("sweep")
	pauseScript   = load("pause")
	depthScript   = load("depth")
	limitScript   = load("limit")
	limitsScript  = load("limits")
	shareScript   = load("share")
	ringScript    = load("ring")
	inspectScript = load("inspect")
	lengthScript  = load("length")
	listScript    = load("list")
	summaryScript = load("summary")
	resyncScript  = load("resync")
	locateScript  = load("locate")
	dropScript    = load("drop")
	awaitScript   = load("await")
	reportScript  = load("report")
	streamScript  = load("stream")
	logScript     = load("log")
	explainScript = load("explain")
	pickScript    = load("pick")
	actScript     = load("act")
	stepScript    = load("step")
	stepsScript   = load("steps")
	signalScript  = load("signal")
	newsScript    = load("news")
	toldScript    = load("told")
	membersScript = load("members")
	seriesScript  = load("series")
	groupsScript  = load("groups")
)

func load(name string) *script {
	s := &script{library.Load(name), len(scripts)}
	scripts = append(scripts, s)
	return s
}

// call is one run of the script on a partition.
func (s *script) call(p *Partition, args ...any) redis.Call {
	return redis.Call{Script: s.Script, Keys: p.sets[s.index], Args: args}
}

// callEach is one run of the script on several partitions, which are of one slot or on
// no Cluster.
func (s *script) callEach(partitions []*Partition) redis.Call {
	keys := make([]string, 0, len(partitions)*len(s.Columns))
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
