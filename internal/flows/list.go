package flows

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/printable"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// MaxList is how many flows one List gives.
const MaxList = 1000

// List gives a page of flows, those that were made last first: limit of them, and all others of
// the ms in which the last of these was made. cursor is what the page before has given, "" for the
// first page; next is "" after the last. The errors are drayhorse.ErrInvalid and ErrUnavailable.
func (s *Store) List(ctx context.Context, cursor string, limit int) (page []*flow.Info, next string, err error) {
	if _, err := strconv.ParseUint(cursor, 10, 64); err != nil && cursor != "" {
		return nil, "", fmt.Errorf("%w: cursor %q; want the one that the page before gave", drayhorse.ErrInvalid, printable.Clip(cursor, 40))
	}
	limit = min(limit, MaxList)
	all, whole, err := s.made(ctx, "latest", limit+1, cursor)
	if err != nil {
		return nil, "", err
	}
	slices.SortFunc(all, func(a, b made) int { return cmp.Or(cmp.Compare(b.at, a.at), strings.Compare(a.id, b.id)) })
	end := min(len(all), limit)
	for end > 0 && end < len(all) && all[end].at == all[end-1].at {
		end++
	}
	if end < len(all) || !whole {
		next = strconv.FormatInt(all[end-1].at, 10)
	}
	page, err = s.infos(ctx, all[:end])
	return page, next, err
}

// Living gives flows that have not ended, those that were made first first, at most limit. One that a program made
// which did not yet keep them apart is among them once it was looked at, within ten minutes.
func (s *Store) Living(ctx context.Context, limit int) ([]*flow.Info, error) {
	limit = min(limit, MaxList)
	all, _, err := s.made(ctx, "living", limit, "")
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b made) int { return cmp.Or(cmp.Compare(a.at, b.at), strings.Compare(a.id, b.id)) })
	all = all[:min(len(all), limit)]
	infos, err := s.infos(ctx, all)
	if err != nil || len(infos) == len(all) {
		return infos, err
	}
	for _, m := range all { // programs before this one left dropped drafts there
		if !slices.ContainsFunc(infos, func(info *flow.Info) bool { return info.ID == m.id }) {
			if _, err := s.run(ctx, tickScript, m.id); err != nil {
				return nil, err
			}
		}
	}
	return infos, nil
}

// made is a flow, and the ms in which it was made.
type made struct {
	id string
	at int64
}

// made gives up to so many flows of each shard, or some more, and whether no shard has any beyond these.
func (s *Store) made(ctx context.Context, which string, limit int, before string) (all []made, whole bool, err error) {
	calls := make([]redis.Call, Shards)
	for i := range s.shards {
		calls[i] = s.shards[i].call(listScript, which, limit, before)
	}
	whole = true
	for _, reply := range s.client.RunAll(ctx, calls) {
		if reply.Err != nil {
			return nil, false, failure(listScript, reply.Err)
		}
		list := redis.AsList(reply.Value)
		whole = whole && len(list) < 2*limit
		for i := 0; i+1 < len(list); i += 2 {
			all = append(all, made{redis.AsString(list[i]), redis.AsInt(list[i+1])})
		}
	}
	return all, whole, nil
}

// infos reads what is known of flows. Those that went meanwhile are left out.
func (s *Store) infos(ctx context.Context, all []made) ([]*flow.Info, error) {
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
		case errors.Is(err, drayhorse.ErrNotFound):
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
