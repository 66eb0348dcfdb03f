package lock

import (
	"embed"

	"github.com/drayhorse/drayhorse/internal/redis"
)

//go:embed scripts/*.lua
var files embed.FS

var (
	acquireScript = load("acquire")
	renewScript   = load("renew")
	releaseScript = load("release")
	ringScript    = load("ring")
)

func load(name string) *redis.Script {
	source, err := files.ReadFile("scripts/" + name + ".lua")
	if err != nil {
		panic(err) // the name is wrong in this file
	}
	return redis.NewScript(name, string(source))
}
