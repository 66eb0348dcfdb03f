package flows

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// MaxList is how many flows one List gives.
const MaxList = 1000

// List gives flows, those that were made last first, at most limit.
func (s *Store) List(ctx context.Context, limit int) ([]*flow.Info, error) {
	return s.list(ctx, "latest", limit, func(a, b int64) int { return cmp.Compare(b, a) })
}

// Living gives flows that have not ended, those that were made first first, at most limit. One that a program made
// which did not yet keep them apart is among them once it was looked at, within ten minutes.
func (s *Store) Living(ctx context.Context, limit int) ([]*flow.Info, error) {
	return s.list(ctx, "living", limit, cmp.Compare[int64])
}

func (s *Store) list(ctx context.Context, which string, limit int, order func(a, b int64) int) ([]*flow.Info, error) {
	limit = min(limit, MaxList)
	calls := make([]redis.Call, Shards)
	for i := range s.shards {
		calls[i] = s.shards[i].call(listScript, which, limit)
	}
	type made struct {
		id string
		at int64
	}
	var all []made
	for _, reply := range s.client.RunAll(ctx, calls) {
		if reply.Err != nil {
			return nil, failure(listScript, reply.Err)
		}
		list := redis.AsList(reply.Value)
		for i := 0; i+1 < len(list); i += 2 {
			all = append(all, made{redis.AsString(list[i]), redis.AsInt(list[i+1])})
		}
	}
	slices.SortFunc(all, func(a, b made) int { return cmp.Or(order(a.at, b.at), strings.Compare(a.id, b.id)) })
	all = all[:min(len(all), limit)]
	infos := make([]redis.Call, len(all))
	for i, m := range all {
		infos[i] = s.callOn(infoScript, m.id)
	}
	found := make([]*flow.Info, 0, len(all))
	if len(all) == 0 {
		return found, nil
	}
	for i, reply := range s.client.RunAll(ctx, infos) {
		switch err := failure(infoScript, reply.Err); {
		case errors.Is(err, drayhorse.ErrNotFound): // it went meanwhile
		case err != nil:
			return nil, err
		default:
			found = append(found, decodeInfo(all[i].id, reply.Value))
		}
	}
	return found, nil
}

// Spread gives the queues in which members of a batch have not ended, and how many in each, as far as
// their partitions have told; and the IDs of flows that are members and have not ended. The errors are drayhorse.ErrNotFound and ErrUnavailable.
func (s *Store) Spread(ctx context.Context, id string) (queues map[string]int, children []string, err error) {
	value, err := s.run(ctx, spreadScript, id)
	if err != nil {
		return nil, nil, err
	}
	queues = map[string]int{}
	list := redis.AsList(value)
	for i := 0; i+1 < len(list); i += 2 {
		source := redis.AsString(list[i])
		if child, ok := strings.CutPrefix(source, childPrefix); ok {
			children = append(children, child)
			continue
		}
		queue, _, _ := strings.Cut(source, "/")
		queues[queue] += int(redis.AsInt(list[i+1]))
	}
	return queues, children, nil
}
