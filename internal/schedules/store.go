package schedules

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
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
var words = map[string]error{
	"TERM":     ErrTerm,
	"OLDER":    errOlder,
	"NOTFOUND": drayhorse.ErrNotFound,
	"FORMAT":   drayhorse.ErrFormat,
}

// Store is the only owner of the keys of the schedules. It keeps nothing itself.
type Store struct {
	client *redis.Client
	prefix string
}

// New makes a store. It does not connect.
func New(client *redis.Client, namespace string) *Store {
	// A queue's hash tag is its name, and no queue can have a name with @.
	return &Store{client: client, prefix: namespace + ":{@sched}:"}
}

// run runs a script and gives its failure the sentinel that it stands for.
func (s *Store) run(ctx context.Context, script *script, args ...any) (any, error) {
	keys := make([]string, len(script.keys))
	for i, column := range script.keys {
		keys[i] = s.prefix + column
	}
	value, err := s.client.Run(ctx, redis.Call{Script: script.Script, Keys: keys, Args: args})
	return value, failure(script.Name, err)
}

func failure(op string, err error) error {
	if err == nil {
		return nil
	}
	word, text, _ := strings.Cut(err.Error(), " ")
	if sentinel, ok := words[word]; ok {
		return fmt.Errorf("%w: %s", sentinel, text)
	}
	return redis.Wrap(op+" schedules", err)
}

func unexpected(script *script, reply any) error {
	return fmt.Errorf("%s schedules: unexpected reply %v", script.Name, reply)
}

// Replies are lists of strings, integers and lists. What is missing or of another
// type reads as zero.

func asList(v any) []any {
	list, _ := v.([]any)
	return list
}

func asString(v any) string {
	s, _ := v.(string)
	return s
}

func asInt(v any) int64 {
	if n, ok := v.(int64); ok {
		return n
	}
	f, _ := strconv.ParseFloat(asString(v), 64) // a score may have an exponent
	return int64(f)
}

// asTime reads Unix ms; what is empty is the zero time.
func asTime(v any) time.Time {
	if v == nil || v == "" {
		return time.Time{}
	}
	return time.UnixMilli(asInt(v)).UTC()
}

// ms writes Unix ms, as an empty text for the zero time.
func ms(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.UnixMilli(), 10)
}
