package jobs

import (
	"context"
	"errors"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// The registry is one key, so in a Redis Cluster one node has it. What it says of a queue
// is therefore noted in the queue as well, in the meta of its first partition: while the
// node of the registry does not answer, queues on the others are found there, and who
// starts meanwhile works on them. The registry is still asked first and alone creates,
// lists and deletes queues; Keep compares what was found with it when it is back.

// noteField of the meta of a queue's first partition is how many partitions the registry
// says it has.
const noteField = "partitions"

// registryPatience is how long a Cluster's registry may take before the queues themselves
// are asked, and notesPatience how long these may: some may be on the same node.
const (
	registryPatience = time.Second
	notesPatience    = 2 * time.Second
)

// orNotes asks the registry about queues. Where that cannot be done soon it gives what the
// notes say instead, with an error unless that is all of them; where they say nothing, the
// registry gets as much time as any call.
func (e *Engine) orNotes(ctx context.Context, names []string, ask func(context.Context) error) (noted map[string]*row, err error) {
	if !e.client.IsCluster() { // what has the registry has the queues
		return nil, ask(ctx)
	}
	answered, err := e.soon(ctx, ask)
	if answered || ctx.Err() != nil {
		return nil, err
	}
	switch noted = e.notes(ctx, names); len(noted) {
	case len(names):
		return noted, nil
	case 0:
		return nil, ask(ctx)
	}
	return noted, err
}

// soon asks the registry of a Cluster for registryPatience, and says whether it answered.
func (e *Engine) soon(ctx context.Context, ask func(context.Context) error) (answered bool, err error) {
	// A map of the slots may take longer: the first node that is asked for it may be away.
	e.client.NodeOf(ctx, e.registryKey())
	ctx, cancel := context.WithTimeout(ctx, registryPatience)
	defer cancel()
	err = ask(ctx)
	return err == nil || ctx.Err() == nil && !errors.Is(err, drayhorse.ErrUnavailable), err
}

// notes gives what queues say of themselves, of those that answer soon and have a note.
func (e *Engine) notes(ctx context.Context, names []string) map[string]*row {
	ctx = redis.Until(ctx, time.Now().Add(notesPatience))
	pipe := e.client.Pipeline()
	asked := make([]*goredis.StringCmd, len(names))
	for i, name := range names {
		asked[i] = pipe.HGet(ctx, newPartition(e, name, 0).key(colMeta), noteField)
	}
	_, _ = pipe.Exec(ctx) // each answer has its own error
	rows := make(map[string]*row, len(names))
	for i, name := range names {
		if value, err := asked[i].Result(); err == nil {
			if row := e.read(name, value, 0); row.err == nil {
				rows[name] = row
			}
		}
	}
	return rows
}

// note writes into queues how many partitions they have, where this process has not done
// so yet. What fails is done the next time.
func (e *Engine) note(ctx context.Context, queues [][]*Partition) {
	queues = e.unnoted(queues)
	if len(queues) == 0 {
		return
	}
	ctx = redis.Until(ctx, time.Now().Add(keepTimeout))
	pipe := e.client.Pipeline()
	answers := make([]*goredis.IntCmd, len(queues))
	for i, partitions := range queues {
		answers[i] = pipe.HSet(ctx, partitions[0].key(colMeta), noteField, len(partitions))
	}
	_, _ = pipe.Exec(ctx) // each answer has its own error
	e.mu.Lock()
	defer e.mu.Unlock()
	for i, partitions := range queues {
		if q := e.queues[partitions[0].Queue]; q != nil && answers[i].Err() == nil {
			q.noted = len(partitions)
		}
	}
}

// unnoted gives those queues, as they are known now, that this process has not noted so.
func (e *Engine) unnoted(queues [][]*Partition) [][]*Partition {
	e.mu.RLock()
	defer e.mu.RUnlock()
	var list [][]*Partition
	for _, partitions := range queues {
		if q := e.queues[partitions[0].Queue]; q != nil && q.noted != len(q.partitions) {
			list = append(list, q.partitions)
		}
	}
	return list
}

// forgetNotes has all notes written again, as Redis may have lost them.
func (e *Engine) forgetNotes() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, q := range e.queues {
		q.noted = 0
	}
}
