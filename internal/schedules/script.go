package schedules

import (
	"embed"
	"fmt"
	"slices"

	"github.com/drayhorse/drayhorse/internal/redis"
)

//go:embed scripts
var files embed.FS

// columns are the keys of the schedules, all in one Cluster slot.
var columns = []string{
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
}

// script is one step on the schedules; see redis.Header.
type script struct {
	*redis.Script
	keys []string // columns
}

var (
	lookScript   = load("look")
	fireScript   = load("fire")
	takeScript   = load("take")
	clearScript  = load("clear")
	putScript    = load("put")
	removeScript = load("remove")
	pauseScript  = load("pause")
	resumeScript = load("resume")
	listScript   = load("list")
	noteScript   = load("note")
)

func read(name string) string {
	text, err := files.ReadFile("scripts/" + name + ".lua")
	if err != nil {
		panic(err) // the name is wrong in this file
	}
	return string(text)
}

func load(name string) *script {
	header := redis.ParseHeader(read(name))
	for _, key := range header.Keys {
		if !slices.Contains(columns, key) {
			panic(fmt.Sprintf("schedules: %s.lua names the key %q, which is no column", name, key))
		}
	}
	return &script{redis.NewScript(name, assemble(name)), header.Keys}
}

// assemble gives the text of a script as Redis gets it.
func assemble(name string) string {
	text := read(name)
	return redis.ParseHeader(text).Assemble(read("prelude"), text)
}
