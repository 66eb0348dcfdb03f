package jobs

import (
	"context"
	"fmt"
	"slices"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// Dropped is what became of a queue that was to be deleted.
type Dropped struct {
	Queue string
	Jobs  int   // live ones that went with it
	Err   error // drayhorse.ErrNotFound, ErrNotEmpty, ErrQueueInvalid or ErrUnavailable

	partitions []*Partition
}

// dropAtOnce is how many queues, and how many partitions, one round trip is about.
const dropAtOnce = 100

// DropQueues deletes queues with all that is known of them. Those with live jobs are
// left as they are unless force is set. A job that is put in meanwhile is kept, and its
// producer writes the queue again. The answers to producers' last calls, and what actions
// have noted, whose names nobody else knows, are found by a scan of all keys of Redis, one
// for all the queues.
func (e *Engine) DropQueues(ctx context.Context, force bool, names ...string) []Dropped {
	dropped := make([]Dropped, len(names))
	for i, name := range names {
		dropped[i] = Dropped{Queue: name, Err: drayhorse.ValidateQueue(name)}
	}
	for some := range slices.Chunk(dropped, dropAtOnce) {
		e.lookUpDropped(ctx, some)
		if !force {
			e.keepLive(ctx, some)
		}
		e.dropPartitions(ctx, some, force)
		e.removeRows(ctx, some)
	}
	e.removeAnswers(ctx, dropped)
	return dropped
}

// lookUpDropped finds the partitions of queues. A row that cannot be read stands for as
// many as there can be.
func (e *Engine) lookUpDropped(ctx context.Context, some []Dropped) {
	names := make([]string, len(some))
	for i := range some {
		names[i] = some[i].Queue
	}
	rows, _, err := e.rows(ctx, names...)
	for i := range some {
		d := &some[i]
		switch row := rows[d.Queue]; {
		case d.Err != nil:
		case err != nil:
			d.Err = err
		case row == nil:
			d.Err = fmt.Errorf("%w: queue %q", drayhorse.ErrNotFound, d.Queue)
		case row.err != nil:
			d.partitions = e.layOut(d.Queue, nil, MaxPartitions)
		default:
			d.partitions = row.partitions
		}
	}
}

// keepLive refuses queues with live jobs, before the first of their partitions has
// lost its ended ones.
func (e *Engine) keepLive(ctx context.Context, some []Dropped) {
	all, of := partitionsOf(some)
	live := make([]int, len(some))
	for part := range slices.Chunk(all, dropAtOnce) {
		sizes, err := e.Summaries(ctx, part...)
		for n, s := range sizes {
			if i := of[n]; s == nil {
				some[i].Err = fmt.Errorf("queue %s: %w", some[i].Queue, err)
			} else {
				live[i] += s.Available + s.Scheduled + s.Retryable + s.Running
			}
		}
		of = of[len(part):]
	}
	for i, n := range live {
		if n > 0 {
			some[i].Err = fmt.Errorf("%w: queue %s has %d live jobs", drayhorse.ErrNotEmpty, some[i].Queue, n)
		}
	}
}

func (e *Engine) dropPartitions(ctx context.Context, some []Dropped, force bool) {
	flag := 0
	if force {
		flag = 1
	}
	all, of := partitionsOf(some)
	for part := range slices.Chunk(all, dropAtOnce) {
		calls := make([]redis.Call, len(part))
		for i, p := range part {
			calls[i] = dropScript.call(p, flag)
		}
		for n, reply := range e.client.RunAll(ctx, calls) {
			d := &some[of[n]]
			d.Jobs += int(asInt(reply.Value))
			if reply.Err != nil && d.Err == nil {
				d.Err = fmt.Errorf("queue %s: %w", d.Queue, failure("delete", reply.Err))
			}
		}
		of = of[len(part):]
	}
}

// removeRows takes queues that are empty now out of the registry.
func (e *Engine) removeRows(ctx context.Context, some []Dropped) {
	var names []any
	for i := range some {
		if some[i].Err == nil {
			names = append(names, some[i].Queue)
		}
	}
	if len(names) == 0 {
		return
	}
	_, err := e.client.Run(ctx, redis.Call{Script: removeScript, Keys: []string{e.registryKey()}, Args: names})
	for i := range some {
		if d := &some[i]; d.Err == nil {
			if d.Err = failure("delete queue "+d.Queue, err); err == nil {
				e.shrink(d.Queue, 0, 0)
			}
		}
	}
}

// partitionsOf gives the partitions of queues that are still to be deleted, and to
// which of them each belongs.
func partitionsOf(some []Dropped) (all []*Partition, of []int) {
	for i := range some {
		if some[i].Err != nil {
			continue
		}
		for _, p := range some[i].partitions {
			all, of = append(all, p), append(of, i)
		}
	}
	return all, of
}

// removeAnswers removes the answers that the removed queues have left.
func (e *Engine) removeAnswers(ctx context.Context, dropped []Dropped) {
	removed := map[string]bool{}
	for i := range dropped {
		if dropped[i].Err == nil {
			removed[dropped[i].Queue] = true
		}
	}
	if len(removed) == 0 {
		return
	}
	var err error
	if cluster, ok := e.client.UniversalClient.(*goredis.ClusterClient); ok {
		err = cluster.ForEachMaster(ctx, func(ctx context.Context, node *goredis.Client) error {
			return e.removeAnswersOf(ctx, node, removed)
		})
	} else {
		err = e.removeAnswersOf(ctx, e.client, removed)
	}
	for i := range dropped {
		if d := &dropped[i]; err != nil && removed[d.Queue] {
			d.Err = failure(fmt.Sprintf("queue %s is deleted, but for some keys: scan", d.Queue), err)
		}
	}
}

// scanStep is how many keys Redis looks at in one step of a scan.
const scanStep = 1000

func (e *Engine) removeAnswersOf(ctx context.Context, node goredis.Cmdable, removed map[string]bool) error {
	prefix := e.namespace + ":{"
	for cursor := uint64(0); ; {
		keys, next, err := node.Scan(ctx, cursor, prefix+"*:a?????:*", scanStep).Result() // both, and filtered below
		if err != nil {
			return err
		}
		pipe := node.Pipeline()
		for _, key := range keys {
			tag, of, _ := strings.Cut(strings.TrimPrefix(key, prefix), "}:")
			what, _, many := strings.Cut(of, ":")
			if name, _, _ := strings.Cut(tag, "/"); many && (what == columns[colAnswer] || what == columns[colAction]) && removed[name] {
				pipe.Unlink(ctx, key) // alone: each may be in a slot of its own
			}
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return err
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}
