// Package audit keeps in Redis who did what on the dashboard, and what was refused: two
// bounded streams, under a hash tag of their own, {@audit}.
package audit

import (
	"context"
	"embed"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
)

//go:embed scripts
var files embed.FS

var library = redis.NewLibrary(files, "changes", "refusals")

var appendScript = library.Load("append")

// Limits of what is kept, in records; Redis keeps some more, up to a node of the stream.
const (
	MaxChanges  = 10_000
	MaxRefusals = 2_000
	MaxText     = 8 << 10 // bytes of a record
)

// Row is a record as it is kept.
type Row struct {
	ID   string
	At   time.Time // by Redis's clock
	Text string    // what the caller makes of it
}

// Store is the only owner of its keys. It keeps nothing itself.
type Store struct {
	client *redis.Client
	keys   []string // changes, refusals
}

// New makes a store. It does not connect.
func New(client *redis.Client, namespace string) *Store {
	s := &Store{client: client}
	for _, name := range library.Columns() {
		s.keys = append(s.keys, namespace+":{@audit}:"+name) // no queue can have a name with @
	}
	return s
}

// Append adds a record: of a change, or of a refusal. The error is drayhorse.ErrInvalid for one
// of more than MaxText, or ErrUnavailable.
func (s *Store) Append(ctx context.Context, refused bool, text string) error {
	if len(text) > MaxText {
		return fmt.Errorf("%w: an audit record of %d bytes; want at most %d", drayhorse.ErrInvalid, len(text), MaxText)
	}
	flag, most := 0, MaxChanges
	if refused {
		flag, most = 1, MaxRefusals
	}
	_, err := s.client.Run(ctx, redis.Call{Script: appendScript, Keys: appendScript.KeysOf(s.keys), Args: []any{flag, text, most}})
	return redis.Wrap("append audit record", err)
}

var streamID = regexp.MustCompile(`^[0-9]{1,20}-[0-9]{1,20}$`)

// List gives at most limit records, the latest first, from the one after a cursor on: the ID of
// the last record before, "" for the first page. The error is drayhorse.ErrInvalid for the
// cursor, or ErrUnavailable.
func (s *Store) List(ctx context.Context, refused bool, cursor string, limit int) ([]Row, error) {
	from := "+"
	if cursor != "" {
		if !streamID.MatchString(cursor) {
			return nil, fmt.Errorf("%w: cursor %.50q; want what the page before gave", drayhorse.ErrInvalid, cursor)
		}
		from = "(" + cursor
	}
	key := s.keys[0]
	if refused {
		key = s.keys[1]
	}
	found, err := s.client.XRevRangeN(ctx, key, from, "-", int64(limit)).Result()
	if err != nil {
		return nil, redis.Wrap("list audit records", err)
	}
	return rowsOf(found), nil
}

func rowsOf(found []goredis.XMessage) []Row {
	rows := make([]Row, 0, len(found))
	for _, m := range found {
		text, _ := m.Values["record"].(string)
		ms, _, _ := strings.Cut(m.ID, "-")
		n, _ := strconv.ParseInt(ms, 10, 64)
		rows = append(rows, Row{ID: m.ID, At: time.UnixMilli(n).UTC(), Text: text})
	}
	return rows
}
