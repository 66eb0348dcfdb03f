package jobs

import "context"

// Look gives the partitions of those queues that exist, nil for the others, and how many
// queues there are in all, in two round trips for however many names. A row that cannot
// be read is an error.
func (e *Engine) Look(ctx context.Context, names ...string) (found [][]*Partition, total int, err error) {
	all, err := e.client.HLen(ctx, e.registryKey()).Result()
	if err != nil {
		return nil, 0, failure("count queues", err)
	}
	rows, deleted, err := e.rows(ctx, names...)
	if err != nil {
		return nil, 0, err
	}
	if deleted { // the row that says when
		all--
	}
	found = make([][]*Partition, len(names))
	for i, name := range names {
		switch row := rows[name]; {
		case row == nil:
		case row.err != nil:
			return nil, 0, row.err
		default:
			found[i] = row.partitions
		}
	}
	return found, int(all), nil
}
