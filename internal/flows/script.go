package flows

import (
	"embed"

	"github.com/drayhorse/drayhorse/internal/redis"
)

//go:embed scripts
var files embed.FS

// library names the keys of a shard. The last ones have the flow's ID behind them.
var library = redis.NewLibrary(files,
	"outbox", // zset DEST/n, in lexical order: ops on their way
	"ops",    // hash DEST/n -> what is to be done
	"timers", // zset id by the ms when it is to be looked at
	"index",  // zset id by the ms when it was made
	"living", // the same of those that have not ended
	"grown",  // zset of names of calls of grow, by the ms until when they may be repeated
	"watch",  // string: somebody looks at the shard
	"meta",   // hash: format, the last op's number, how many have completed, failed and been cancelled
	"steps",  // hash: the steps of one flow
	"flow",   // hash: the record of one flow
)

// ofOne are the columns that have the flow's ID behind them.
var ofOne = map[string]bool{"steps": true, "flow": true}

var scripts []*redis.Script

var (
	createScript = load("create")
	joinScript   = load("join")
	closeScript  = load("close")
	cancelScript = load("cancel")
	growScript   = load("grow")
	endsScript   = load("ends")
	takeScript   = load("take")
	ackScript    = load("ack")
	lookScript   = load("look")
	tickScript   = load("tick")
	infoScript   = load("info")
	listScript   = load("list")
	statsScript  = load("stats")
	spreadScript = load("spread")

	submitScript   = load("submit")
	extendScript   = load("extend")
	outcomesScript = load("outcomes")
	workScript     = load("work")
	retryScript    = load("retry")
	signalScript   = load("signal")
	childScript    = load("child")
	leaveScript    = load("leave")
	resultScript   = load("result")
	graphScript    = load("graph")
)

func load(name string) *redis.Script {
	s := library.Load(name)
	scripts = append(scripts, s)
	return s
}
