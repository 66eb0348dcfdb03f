package jobs

import (
	"context"
	"slices"
)

// namesAtOnce is about how many rows of the registry one call of Names reads.
const namesAtOnce = 1000

// Names gives the names of all queues in the registry, in order, also of those whose rows
// cannot be read. Redis reads about a thousand of them at a time, and does other things
// in between, however many there are; queues that come and go meanwhile may be missing.
func (e *Engine) Names(ctx context.Context) ([]string, error) {
	var names []string
	for cursor := uint64(0); ; {
		rows, next, err := e.client.HScan(ctx, e.registryKey(), cursor, "", namesAtOnce).Result()
		if err != nil {
			return nil, failure("list names of queues", err)
		}
		for i := 0; i+1 < len(rows); i += 2 {
			if rows[i] != "" { // that says when a queue was last deleted
				names = append(names, rows[i])
			}
		}
		if cursor = next; cursor == 0 {
			break
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// ListSome is List for the queues of some names: those that do not exist are in neither
// answer. It asks Redis once.
func (e *Engine) ListSome(ctx context.Context, names ...string) (found map[string][]*Partition, unreadable map[string]error, err error) {
	rows, _, err := e.rows(ctx, names...)
	if err != nil {
		return nil, nil, err
	}
	found, unreadable = map[string][]*Partition{}, map[string]error{}
	for name, row := range rows {
		if row.err != nil {
			unreadable[name] = row.err
		} else {
			found[name] = row.partitions
		}
	}
	return found, unreadable, nil
}
