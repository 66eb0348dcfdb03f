package registry

import (
	"embed"

	"github.com/drayhorse/drayhorse/internal/redis"
)

//go:embed scripts
var files embed.FS

// All scripts touch the same two keys: workers, a hash id -> row, and seen, a zset id by
// the ms when it was announced. listening is a hash of package events, of which announce tells.
var library = redis.NewLibrary(files, "workers", "seen", "listening")

var (
	announceScript = library.Load("announce")
	leaveScript    = library.Load("leave")
	listScript     = library.Load("list")
)
