package lock

import (
	"embed"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
)

//go:embed scripts/*.lua
var files embed.FS

// The keys of a lock are its lease, a hash, and its bell, a list of at most one element.
var library = redis.NewLibrary(files, "lease", "bell")

var (
	acquireScript = library.Load("acquire")
	renewScript   = library.Load("renew")
	releaseScript = library.Load("release")
	ringScript    = library.Load("ring")
)

// words are the failures that scripts report, by their first word.
var words = redis.Words{"LEASELOST": drayhorse.ErrLeaseLost}
