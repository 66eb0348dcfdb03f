package jobs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/drayhorse/drayhorse"
)

// The registry of queues is one hash, NAMESPACE:queues, of queue -> number of
// partitions. Its field with the empty name is when a queue was last deleted, in ms: it
// is what tells a queue that was deleted from one that Redis has forgotten, which who
// knows it writes again (keep.go).
//
// Which method asks Redis and which creates:
//
//	Known                asks nobody
//	Queue, CreateQueue   ask once for a queue that is not known, and create it
//	Lookup               asks once for a queue that is not known
//	Meet                 asks for many
//	Queues, List         ask for all
//	Keep, KeepSome       ask for known ones, and write again what is lost

// queue is what an engine knows of a queue.
type queue struct {
	partitions []*Partition
	seen       int64 // the last deletion of any queue when this one was seen in the registry
	noted      int   // how many partitions this process has noted in the queue itself
}

func (e *Engine) registryKey() string { return e.namespace + ":queues" }

// Queue gives the partitions of a queue, and creates it with one partition where
// there is none of that name.
func (e *Engine) Queue(ctx context.Context, name string) ([]*Partition, error) {
	return e.CreateQueue(ctx, name, 1)
}

// CreateQueue makes sure that a queue exists and gives its partitions. How many
// there are is fixed by whoever came first.
func (e *Engine) CreateQueue(ctx context.Context, name string, partitions int) ([]*Partition, error) {
	if known, ok := e.Known(name); ok {
		return known, nil
	}
	if err := drayhorse.ValidateQueue(name); err != nil {
		return nil, err
	}
	if partitions < 1 || partitions > MaxPartitions {
		return nil, fmt.Errorf("%w: %d partitions; want 1 to %d", drayhorse.ErrInvalid, partitions, MaxPartitions)
	}
	noted, err := e.orNotes(ctx, []string{name}, func(ctx context.Context) error {
		return failure("create queue", e.client.HSetNX(ctx, e.registryKey(), name, partitions).Err())
	})
	switch {
	case err != nil:
		return nil, err
	case noted != nil:
		return noted[name].partitions, nil
	}
	return e.ask(ctx, name)
}

// Lookup gives the partitions of a queue that exists. The error is
// drayhorse.ErrNotFound.
func (e *Engine) Lookup(ctx context.Context, name string) ([]*Partition, error) {
	if known, ok := e.Known(name); ok {
		return known, nil
	}
	if err := drayhorse.ValidateQueue(name); err != nil {
		return nil, err
	}
	return e.ask(ctx, name)
}

// ask looks one queue up in the registry. One that has been deleted before it was
// written is drayhorse.ErrNotFound.
func (e *Engine) ask(ctx context.Context, name string) ([]*Partition, error) {
	rows, err := e.find(ctx, name)
	if err != nil {
		return nil, err
	}
	if rows[name] == nil {
		return nil, fmt.Errorf("%w: queue %q", drayhorse.ErrNotFound, name)
	}
	return rows[name].partitions, rows[name].err
}

// Meet asks for many queues in one call and gives the partitions of those that exist,
// by name. It creates none. Rows that cannot be read are errors, and so is a registry that
// does not answer; beside them what else is known is given.
func (e *Engine) Meet(ctx context.Context, names []string) (map[string][]*Partition, error) {
	rows, err := e.find(ctx, names...)
	found := make(map[string][]*Partition, len(rows))
	errs := []error{err}
	for name, row := range rows {
		if row.err != nil {
			errs = append(errs, row.err)
		} else {
			found[name] = row.partitions
		}
	}
	return found, errors.Join(errs...)
}

// row is one row of the registry: the partitions of a queue, or why it cannot be read.
type row struct {
	partitions []*Partition
	err        error
}

// find gives the rows of those queues that exist. Where the registry does not answer it
// gives what queues have noted, and an error unless that is all of them.
func (e *Engine) find(ctx context.Context, names ...string) (map[string]*row, error) {
	var rows map[string]*row
	noted, err := e.orNotes(ctx, names, func(ctx context.Context) (err error) {
		rows, _, err = e.rows(ctx, names...)
		return err
	})
	if noted != nil {
		return noted, err
	}
	return rows, err
}

// rows reads some rows of the registry, and says whether a queue was ever deleted.
func (e *Engine) rows(ctx context.Context, names ...string) (rows map[string]*row, deleted bool, err error) {
	values, err := e.client.HMGet(ctx, e.registryKey(), append([]string{""}, names...)...).Result()
	if err != nil {
		return nil, false, failure("look up queue", err)
	}
	if len(values) != 1+len(names) {
		return nil, false, fmt.Errorf("look up queue: %d answers for %d names", len(values)-1, len(names))
	}
	last, _ := strconv.ParseInt(asString(values[0]), 10, 64)
	rows = make(map[string]*row, len(names))
	for i, name := range names {
		if value := values[i+1]; value != nil {
			rows[name] = e.read(name, asString(value), last)
		}
	}
	return rows, values[0] != nil, nil
}

func (e *Engine) read(name, value string, last int64) *row {
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > MaxPartitions {
		return &row{err: fmt.Errorf("queue %q: its row in %s is %.20q; want a number of partitions from 1 to %d: write it there, or delete the queue",
			name, e.registryKey(), value, MaxPartitions)}
	}
	return &row{partitions: e.remember(name, n, last)}
}

// Queues gives the partitions of all queues whose rows can be read, ordered by name.
func (e *Engine) Queues(ctx context.Context) ([][]*Partition, error) {
	queues, _, err := e.List(ctx)
	return queues, err
}

// List gives the partitions of all queues, ordered by name, and by name what is wrong
// with the rows of those that cannot be read. Queues that this engine knows and the
// registry does not are written again if they were lost.
func (e *Engine) List(ctx context.Context) (queues [][]*Partition, unreadable map[string]error, err error) {
	all, err := e.client.HGetAll(ctx, e.registryKey()).Result()
	if err != nil {
		return nil, nil, failure("list queues", err)
	}
	if lost := e.unlisted(all); len(lost) > 0 {
		if _, err := e.Keep(ctx, lost...); err != nil {
			return nil, nil, err
		}
		if all, err = e.client.HGetAll(ctx, e.registryKey()).Result(); err != nil {
			return nil, nil, failure("list queues", err)
		}
	}
	last, _ := strconv.ParseInt(all[""], 10, 64)
	delete(all, "")
	queues, unreadable = make([][]*Partition, 0, len(all)), map[string]error{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if row := e.read(name, all[name], last); row.err != nil {
			unreadable[name] = row.err
		} else {
			queues = append(queues, row.partitions)
		}
	}
	return queues, unreadable, nil
}

// unlisted gives the known queues that have no row.
func (e *Engine) unlisted(rows map[string]string) [][]*Partition {
	e.mu.RLock()
	defer e.mu.RUnlock()
	var lost [][]*Partition
	for name, q := range e.queues {
		if _, listed := rows[name]; !listed {
			lost = append(lost, q.partitions)
		}
	}
	return lost
}

// Known gives the partitions of a queue as this engine has seen it last, without asking
// Redis; false: it has not, or has seen that it was deleted.
func (e *Engine) Known(name string) ([]*Partition, bool) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if q := e.queues[name]; q != nil {
		return q.partitions, true
	}
	return nil, false
}

// remember takes in that a queue has n partitions, seen in the registry when last was the
// last deletion, and gives them. Where more are known those hold, until Keep has
// settled it.
func (e *Engine) remember(name string, n int, last int64) []*Partition {
	e.mu.Lock()
	defer e.mu.Unlock()
	q := e.queues[name]
	switch {
	case q == nil:
		q = &queue{partitions: e.layOut(name, nil, n), seen: last}
		e.queues[name] = q
	case n >= len(q.partitions):
		q.partitions, q.seen = e.layOut(name, q.partitions, n), last
	}
	return q.partitions
}

// layOut gives n partitions of a queue, of which some may be there already.
func (e *Engine) layOut(name string, there []*Partition, n int) []*Partition {
	if len(there) == n {
		return there
	}
	partitions := make([]*Partition, n)
	copy(partitions, there)
	for i := range partitions {
		if partitions[i] == nil {
			partitions[i] = newPartition(e, name, i)
		}
		partitions[i].of.Store(int32(n)) //nolint:gosec // at most MaxPartitions
	}
	return partitions
}
