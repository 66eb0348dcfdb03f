package schedules

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// ErrTerm refuses a leader that is one no more: a later term has begun. Nothing was
// done, and the refusal was counted.
var ErrTerm = errors.New("term is over")

// errOlder: the same source was declared later by another program.
var errOlder = errors.New("older declaration")

// words are the failures that scripts report, by their first word.
var words = redis.Words{
	"TERM":     ErrTerm,
	"OLDER":    errOlder,
	"NOTFOUND": drayhorse.ErrNotFound,
	"FORMAT":   drayhorse.ErrFormat,
}

// Store is the only owner of the keys of the schedules. It keeps nothing itself.
type Store struct {
	client *redis.Client
	prefix string
	keys   []string // in the order of the library's columns
}

// New makes a store. It does not connect.
func New(client *redis.Client, namespace string) *Store {
	// A queue's hash tag is its name, and no queue can have a name with @.
	s := &Store{client: client, prefix: namespace + ":{@sched}:"}
	for _, column := range library.Columns() {
		s.keys = append(s.keys, s.prefix+column)
	}
	return s
}

// run runs a script and gives its failure the sentinel that it stands for.
func (s *Store) run(ctx context.Context, script *redis.Script, args ...any) (any, error) {
	value, err := s.client.Run(ctx, redis.Call{Script: script, Keys: script.KeysOf(s.keys), Args: args})
	return value, words.Failure(script.Name+" schedules", err)
}

func unexpected(script *redis.Script, reply any) error {
	return fmt.Errorf("%s schedules: unexpected reply %v", script.Name, reply)
}

// ms writes Unix ms, as an empty text for the zero time.
func ms(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.UnixMilli(), 10)
}
