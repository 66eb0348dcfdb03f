package schedules

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// ElectionName is what the schedulers of a namespace campaign for.
const ElectionName = "scheduler"

// Page gives a part of the schedules, about 500, ordered by ID, and the cursor of the next
// page, "" after the last. The first has the cursor "". Where all fit into one page, they
// come in order; pages themselves come in none. Schedules that are added or removed
// meanwhile may be passed over or come twice.
func (s *Store) Page(ctx context.Context, cursor string) (found []*Status, next string, err error) {
	if _, err := strconv.ParseUint(cmp.Or(cursor, "0"), 10, 64); err != nil {
		return nil, "", fmt.Errorf("%w: cursor %q; want the one that the page before gave", drayhorse.ErrInvalid, cursor)
	}
	p, err := s.list(ctx, cmp.Or(cursor, "0"))
	if err != nil {
		return nil, "", err
	}
	slices.SortFunc(p.found, func(a, b *Status) int { return cmp.Compare(a.ID, b.ID) })
	if p.cursor == "0" {
		p.cursor = ""
	}
	return p.found, p.cursor, nil
}

// Upcoming gives the schedules that fire next, at most limit (1 to 500) of them, the first
// in front, and the time by Redis's clock.
func (s *Store) Upcoming(ctx context.Context, limit int) ([]*Status, time.Time, error) {
	if limit < 1 || limit > pageSize {
		return nil, time.Time{}, fmt.Errorf("%w: the next %d schedules; want 1 to %d", drayhorse.ErrInvalid, limit, pageSize)
	}
	ids, err := s.client.ZRange(ctx, s.prefix+"next", 0, int64(limit-1)).Result()
	if err != nil && !errors.Is(err, goredis.Nil) {
		return nil, time.Time{}, redis.Wrap("next schedules", err)
	}
	if len(ids) == 0 {
		return nil, time.Time{}, nil
	}
	p, err := s.list(ctx, "0", ids...)
	if err != nil {
		return nil, time.Time{}, err
	}
	slices.SortFunc(p.found, func(a, b *Status) int { return cmp.Or(a.Next.Compare(b.Next), cmp.Compare(a.ID, b.ID)) })
	return slices.DeleteFunc(p.found, func(s *Status) bool { return s.Next.IsZero() }), p.now, nil
}
