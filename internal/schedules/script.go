package schedules

import (
	"embed"

	"github.com/drayhorse/drayhorse/internal/redis"
)

//go:embed scripts
var files embed.FS

// library names the keys of the schedules, all in one Cluster slot.
var library = redis.NewLibrary(files,
	"declarations", // hash id -> revision|source|declaration as JSON
	"next",         // zset id by next tick ms: those that are not paused
	"last",         // hash id -> the last tick ms that was decided
	"paused",       // hash id -> ms since when
	"outbox",       // zset entry by tick ms: ticks on their way to their queue
	"waiting",      // zset of entries, in lexical order: they wait for an earlier job to end
	"jobs",         // hash id -> where the last job is: QUEUE ID
	"history",      // hash id -> the last ticks, a line each
	"sources",      // hash source -> when it was declared last, in ms
	"meta",         // hash: format, term, refused, revision
)

var (
	lookScript   = library.Load("look")
	fireScript   = library.Load("fire")
	takeScript   = library.Load("take")
	clearScript  = library.Load("clear")
	putScript    = library.Load("put")
	removeScript = library.Load("remove")
	pauseScript  = library.Load("pause")
	resumeScript = library.Load("resume")
	listScript   = library.Load("list")
	noteScript   = library.Load("note")
)
