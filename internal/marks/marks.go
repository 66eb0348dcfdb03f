// Package marks keeps moments that people have marked, such as deploys, for charts to show.
package marks

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse/internal/redis"
)

// Kept is how many marks there are at most; the earliest go first.
const Kept = 1000

// Mark is a moment that was marked.
type Mark struct {
	At       time.Time // by Redis's clock, to the ms
	Text, By string
}

// Store is the only owner of its key, a stream. It keeps nothing itself.
type Store struct {
	client *redis.Client
	key    string
}

// New makes a store. It does not connect.
func New(client *redis.Client, namespace string) *Store {
	return &Store{client, namespace + ":{@workers}:marks"} // no queue can have a name with @
}

// Add marks this moment, and gives it. The error is drayhorse.ErrUnavailable or ErrFull.
func (s *Store) Add(ctx context.Context, text, by string) (*Mark, error) {
	id, err := s.client.XAdd(ctx, &goredis.XAddArgs{Stream: s.key, MaxLen: Kept, Values: []string{"text", text, "by", by}}).Result()
	if err != nil {
		return nil, redis.Wrap("mark", err)
	}
	at, err := timeOf(id)
	return &Mark{at, text, by}, err
}

// List gives the marks from one time to another, the earliest first; the zero time is no bound.
// The error is drayhorse.ErrUnavailable.
func (s *Store) List(ctx context.Context, from, to time.Time) ([]Mark, error) {
	first, last := "-", "+"
	if !from.IsZero() {
		first = strconv.FormatInt(from.UnixMilli(), 10)
	}
	if !to.IsZero() {
		last = strconv.FormatInt(to.UnixMilli(), 10)
	}
	found, err := s.client.XRangeN(ctx, s.key, first, last, Kept).Result()
	if err != nil {
		return nil, redis.Wrap("read marks", err)
	}
	all := make([]Mark, len(found))
	for i, m := range found {
		at, err := timeOf(m.ID)
		if err != nil {
			return nil, err
		}
		all[i] = Mark{at, fmt.Sprint(m.Values["text"]), fmt.Sprint(m.Values["by"])}
	}
	return all, nil
}

// timeOf gives the time of an entry, with which its ID begins.
func timeOf(id string) (time.Time, error) {
	text, _, _ := strings.Cut(id, "-")
	ms, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("marks have an entry %q, whose ID is no time: %w", id, err)
	}
	return time.UnixMilli(ms), nil
}
