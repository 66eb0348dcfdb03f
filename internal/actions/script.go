package actions

import (
	"embed"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
)

//go:embed scripts
var files embed.FS

// The keys: rows, a hash id -> row; open, a zset id by the ms when it began, of those that
// have not ended; ended, a zset id by the ms when it did; stops, a hash id -> who wants it
// stopped.
var library = redis.NewLibrary(files, "rows", "open", "ended", "stops")

var (
	beginScript = library.Load("begin")
	noteScript  = library.Load("note")
	stopScript  = library.Load("stop")
)

// words are the failures that scripts report, by their first word.
var words = redis.Words{
	"LEASELOST": drayhorse.ErrLeaseLost,
	"NOTFOUND":  drayhorse.ErrNotFound,
	"TOOMANY":   drayhorse.ErrBusy,
	"ENDED":     drayhorse.ErrEnded,
}
