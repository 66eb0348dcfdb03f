package registry

import (
	"embed"

	"github.com/drayhorse/drayhorse/internal/redis"
)

//go:embed scripts
var files embed.FS

var (
	announceScript = load("announce")
	leaveScript    = load("leave")
	listScript     = load("list")
)

// load makes a script of its file. All touch the same two keys: workers, a hash
// id -> row, and seen, a zset id by the ms when it was announced.
func load(name string) *redis.Script {
	text, err := files.ReadFile("scripts/" + name + ".lua")
	if err != nil {
		panic(err) // the name is wrong in this file
	}
	return redis.NewScript(name, redis.ParseHeader(string(text)).Assemble("", string(text)))
}
