package systems

import (
	"encoding/json"
	"os"
	"runtime/debug"
)

// modules of the systems that are one.
var modules = map[string]string{
	"asynq": "github.com/hibiken/asynq", "brpop": "github.com/redis/go-redis/v9", "blmove": "github.com/redis/go-redis/v9",
	"river": "github.com/riverqueue/river", "nats": "github.com/nats-io/nats.go",
}

// Version is what is measured under a system's name.
func Version(system string) string {
	if system == "bullmq" {
		return bullMQVersion()
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || modules[system] == "" {
		return "this commit"
	}
	for _, m := range info.Deps {
		if m.Path == modules[system] {
			return m.Path + " " + m.Version
		}
	}
	return "unknown"
}

func bullMQVersion() string {
	text, err := os.ReadFile(bullMQDir + "/package.json")
	if err != nil {
		return "unknown"
	}
	var file struct {
		Dependencies map[string]string `json:"dependencies"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return "unknown"
	}
	return "bullmq " + file.Dependencies["bullmq"]
}
