package actions

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// Limits of what is kept.
const (
	MaxOpen  = 16  // that have not ended
	MaxEnded = 200 // that have
	Keep     = 30 * 24 * time.Hour
)

// Row is an action as it is kept.
type Row struct {
	ID      string
	Token   int64 // of the lock under which it was written
	BegunAt time.Time
	EndedAt time.Time // zero: it has not ended
	Text    string    // what the caller makes of it
}

// Store is the only owner of its keys. It keeps nothing itself.
type Store struct {
	client *redis.Client
	keys   []string
}

// New makes a store. It does not connect.
func New(client *redis.Client, namespace string) *Store {
	prefix := namespace + ":{@actions}:" // no queue can have a name with @
	s := &Store{client: client}
	for _, name := range library.Columns() {
		s.keys = append(s.keys, prefix+name)
	}
	return s
}

func (s *Store) run(ctx context.Context, script *redis.Script, args ...any) (any, error) {
	value, err := s.client.Run(ctx, redis.Call{Script: script, Keys: script.KeysOf(s.keys), Args: args})
	return value, words.Failure(script.Name+" action", err)
}

// Begin notes an action. The error is drayhorse.ErrBusy if MaxOpen have not ended.
func (s *Store) Begin(ctx context.Context, id, text string) (*Row, error) {
	value, err := s.run(ctx, beginScript, id, text, MaxOpen)
	if err != nil {
		return nil, err
	}
	return decode(id, redis.AsString(value))
}

// Note writes how far an action has come under a token, or that it is over, and says who wants
// it stopped, "" for nobody. The error is drayhorse.ErrLeaseLost, ErrNotFound or ErrEnded.
func (s *Store) Note(ctx context.Context, id string, token int64, over bool, text string) (row *Row, stop string, err error) {
	flag := 0
	if over {
		flag = 1
	}
	value, err := s.run(ctx, noteScript, id, token, flag, text, MaxEnded, Keep.Milliseconds())
	if err != nil {
		return nil, "", err
	}
	reply := redis.AsStrings(value)
	if len(reply) != 2 {
		return nil, "", fmt.Errorf("note action: unexpected reply %v", value)
	}
	row, err = decode(id, reply[0])
	return row, reply[1], err
}

// Stop notes that an action is to end. The error is drayhorse.ErrNotFound for one that has, or
// that there is not.
func (s *Store) Stop(ctx context.Context, id, by string) error {
	_, err := s.run(ctx, stopScript, id, by)
	return err
}

// Get gives one. The error is drayhorse.ErrNotFound.
func (s *Store) Get(ctx context.Context, id string) (*Row, error) {
	row, err := s.client.HGet(ctx, s.keys[0], id).Result()
	if errors.Is(err, goredis.Nil) {
		return nil, fmt.Errorf("%w: action %s", drayhorse.ErrNotFound, id)
	}
	if err != nil {
		return nil, redis.Wrap("get action", err)
	}
	return decode(id, row)
}

// Open gives the IDs of those that have not ended, the first to begin in front.
func (s *Store) Open(ctx context.Context) ([]string, error) {
	ids, err := s.client.ZRange(ctx, s.keys[1], 0, -1).Result()
	return ids, redis.Wrap("list actions", err)
}

// List gives all that are kept, the last to begin in front.
func (s *Store) List(ctx context.Context) ([]*Row, error) {
	rows, err := s.client.HGetAll(ctx, s.keys[0]).Result() // of a bounded number
	if err != nil {
		return nil, redis.Wrap("list actions", err)
	}
	all := make([]*Row, 0, len(rows))
	for id, text := range rows {
		row, err := decode(id, text)
		if err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	slices.SortFunc(all, func(a, b *Row) int {
		if c := b.BegunAt.Compare(a.BegunAt); c != 0 {
			return c
		}
		return strings.Compare(b.ID, a.ID)
	})
	return all, nil
}

func decode(id, text string) (*Row, error) {
	parts := strings.SplitN(text, "|", 4)
	if len(parts) != 4 {
		return nil, fmt.Errorf("action %s: malformed row %q", id, text)
	}
	var n [3]int64
	for i := range n {
		var err error
		if n[i], err = strconv.ParseInt(parts[i], 10, 64); err != nil {
			return nil, fmt.Errorf("action %s: malformed row %q", id, text)
		}
	}
	row := &Row{ID: id, Token: n[0], BegunAt: time.UnixMilli(n[1]), Text: parts[3]}
	if n[2] > 0 {
		row.EndedAt = time.UnixMilli(n[2])
	}
	return row, nil
}
