package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// audit writes down what Redis says became of each job, and what else it holds. All
// is quiet.
func (r *rig) audit() error {
	ctx := context.WithoutCancel(r.Context())
	queues, err := r.admin.Queues(ctx)
	if err != nil {
		return err
	}
	var page []event
	for _, q := range queues {
		n := 0
		for _, state := range drayhorse.States() {
			if state.Ended() {
				n += int(q.Totals[string(state)])
			}
		}
		page = append(page, event{What: totals, Key: q.Name, Attempt: n})
	}
	filter := admin.Filter{Limit: admin.MaxLimit}
	for more := true; more; more = filter.Cursor != "" {
		found, err := r.admin.Jobs(ctx, filter)
		if err != nil {
			return err
		}
		for _, info := range found.Jobs {
			page = append(page, lastWord(info))
		}
		filter.Cursor = found.Next
	}
	strays, err := r.strays(ctx)
	if err != nil {
		return err
	}
	return r.journal.append(append(page, strays...)...)
}

// lastWord is what Redis says of a job.
func lastWord(info *drayhorse.Info) event {
	e := event{What: open, Key: keyOf(info), Kind: info.Kind, ID: info.ID, Attempt: info.Attempt, Said: string(info.State)}
	if !info.State.Ended() {
		return e
	}
	e.What = closed
	if info.State == drayhorse.Completed {
		_ = json.Unmarshal(info.Result, &e.Exec) // without a result it stays empty, which the oracle sees
	}
	if n := len(info.Errors); n > 0 {
		switch last := info.Errors[n-1].Message; {
		case strings.HasPrefix(last, poisonedMark):
			e.Said += " " + poisonedMark
		case strings.HasPrefix(last, "the result of") && strings.HasSuffix(last, "Redis is full"):
			e.Said += " " + fullMark
		}
	}
	return e
}

// keyOf gives the key that the job's producer chose; of a tick, and of a job whose
// arguments are gone, the ID.
func keyOf(info *drayhorse.Info) string {
	var w work
	if !info.Tick.IsZero() || json.Unmarshal(info.Args, &w) != nil || w.Key == "" {
		return info.ID
	}
	return w.Key
}

// resting are the keys that may be there when nothing is left to do: what ended jobs
// leave for as long as they are kept, what is known of queues and schedules, and
// what repeats of calls need.
var resting = map[string]bool{
	"archive": true, "completed": true, "cancelled": true, "discarded": true, "expiry": true, "seen": true, "ticks": true,
	"meta": true, "stats": true, "minute": true, "series": true, "bell": true, "answer": true, // of a queue
	"declarations": true, "next": true, "last": true, "paused": true, "history": true, "sources": true, // of the schedules
	"lease":   true, // of an election
	"limits":  true, // that were shared and taken away, for a day
	"watch":   true, // for two seconds: a worker has looked at flows, as it does once it has ended a job that might be of one
	"workers": true, // those that died are there until they count as gone
}

// strays gives the keys that nothing owns, and the ended jobs that are not in
// exactly one index.
func (r *rig) strays(ctx context.Context) ([]event, error) {
	client := r.client()
	keys, err := scan(ctx, client, r.namespace+":*")
	if err != nil {
		return nil, err
	}
	var found []event
	for _, key := range keys {
		if name, is := strings.CutSuffix(key, ":archive"); is {
			more, err := unindexed(ctx, client, name)
			if err != nil {
				return nil, err
			}
			found = append(found, more...)
		}
		owned, err := r.owned(ctx, client, key)
		if err != nil {
			return nil, err
		}
		if !owned {
			found = append(found, event{What: stray, Said: key})
		}
	}
	return found, nil
}

// filled are hashes that keep one field for ever, which stands for nobody.
var filled = map[string]bool{"jobs": true, "running": true}

func (r *rig) owned(ctx context.Context, client *redis.Client, key string) (bool, error) {
	rest := strings.TrimPrefix(key, r.namespace+":")
	tag, column, tagged := strings.Cut(rest, "}:")
	column, _, _ = strings.Cut(column, ":") // answer:LANE
	switch {
	case strings.HasPrefix(rest, "nudge:"): // goes by itself, when nobody took it
		left, err := client.PTTL(ctx, key).Result()
		return left > 0, err
	case !tagged:
		return rest == "queues", nil
	case tag == "{@sched" && column == "jobs":
		return true, nil
	case filled[column]:
		n, err := client.HLen(ctx, key).Result()
		return n <= 1, err
	}
	return resting[column], nil
}

// scan lists the keys of all masters.
func scan(ctx context.Context, client *redis.Client, pattern string) ([]string, error) {
	var mu sync.Mutex
	var keys []string
	walk := func(ctx context.Context, node *goredis.Client) error {
		iterator := node.Scan(ctx, 0, pattern, 1000).Iterator()
		for iterator.Next(ctx) {
			mu.Lock()
			keys = append(keys, iterator.Val())
			mu.Unlock()
		}
		return iterator.Err()
	}
	switch c := client.UniversalClient.(type) {
	case *goredis.ClusterClient:
		return keys, c.ForEachMaster(ctx, walk)
	case *goredis.Client:
		return keys, walk(ctx, c)
	default:
		return nil, fmt.Errorf("no client to scan with: %T", c)
	}
}

// unindexed compares the archive of a partition with the sets that say when its jobs
// go.
func unindexed(ctx context.Context, client *redis.Client, partition string) ([]event, error) {
	ids, err := client.HKeys(ctx, partition+":archive").Result()
	if err != nil {
		return nil, err
	}
	in := map[string]int{}
	for _, set := range []string{"completed", "cancelled", "discarded"} {
		members, err := client.ZRange(ctx, partition+":"+set, 0, -1).Result()
		if err != nil {
			return nil, err
		}
		for _, id := range members {
			in[id]++
		}
	}
	var found []event
	for _, id := range ids {
		if id != "" && in[id] != 1 {
			found = append(found, event{What: stray, Said: fmt.Sprintf("archived job %q is in %d sets", id, in[id])})
		}
		delete(in, id)
	}
	for id := range in {
		found = append(found, event{What: stray, Said: fmt.Sprintf("%q is in a set and not archived", id)})
	}
	return found, nil
}
