package jobs

import (
	"errors"
	"fmt"
	"strings"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// errStale: a call from before the one that was answered last. Only a late copy of
// a call gets it.
var errStale = errors.New("stale call")

// words are the failures that scripts report, by their first word.
var words = map[string]error{
	"LEASELOST": drayhorse.ErrLeaseLost,
	"STALE":     errStale,
	"NOTFOUND":  drayhorse.ErrNotFound,
	"RUNNING":   drayhorse.ErrRunning,
	"FORMAT":    drayhorse.ErrFormat,
}

// failure names the operation that failed and gives its error the sentinel that
// its first word stands for.
func failure(op string, err error) error {
	if err == nil {
		return nil
	}
	word, text, _ := strings.Cut(err.Error(), " ")
	if sentinel, ok := words[word]; ok {
		return fmt.Errorf("%s: %w: %s", op, sentinel, text)
	}
	return redis.Wrap(op, err)
}
