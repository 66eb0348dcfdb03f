package jobs

import (
	"context"
	"embed"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/drayhorse/drayhorse/internal/redis"
)

//go:embed registry
var registryFiles embed.FS

var (
	settleScript = loadRegistry("settle")
	removeScript = loadRegistry("remove")
)

func loadRegistry(name string) *redis.Script {
	text, err := registryFiles.ReadFile("registry/" + name + ".lua")
	if err != nil {
		panic(err) // the name is wrong in this file
	}
	return redis.NewScript(name, redis.ParseHeader(string(text)).Assemble("", string(text)))
}

// KeepEvery is how often a process that works on queues looks whether Redis still
// knows them.
const KeepEvery = 2 * time.Second

// keepAtOnce is how many queues one call looks at.
const keepAtOnce = 500

// Change says that a queue is not what a process took it for: it has another number of
// partitions, or has been deleted and is known no more.
type Change struct {
	Queue      string
	Partitions []*Partition // nil: the queue has been deleted
}

// KeepUntil runs KeepSome every KeepEvery until ctx ends, and tells of each outcome but
// that all is as it was.
func (e *Engine) KeepUntil(ctx context.Context, tell func([]Change, error)) {
	e.note(ctx, e.nextRound(keepAtOnce))
	ticker := time.NewTicker(KeepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if changes, err := e.KeepSome(ctx); len(changes) > 0 || err != nil {
			tell(changes, err)
		}
	}
}

// KeepSome is Keep for some of the known queues, other ones each time. Where Redis has
// lost one of them, it goes on with all: Redis may have lost everything.
func (e *Engine) KeepSome(ctx context.Context) ([]Change, error) {
	some := e.nextRound(keepAtOnce)
	changes, lost, err := e.keep(ctx, some)
	if err != nil {
		return changes, err
	}
	if lost {
		e.forgetNotes()
	}
	e.note(ctx, some)
	if !lost {
		return changes, nil
	}
	more, err := e.KeepAll(ctx)
	return append(changes, more...), err
}

// KeepAll is Keep for all known queues.
func (e *Engine) KeepAll(ctx context.Context) ([]Change, error) {
	e.mu.RLock()
	all := make([][]*Partition, 0, len(e.queues))
	for _, q := range e.queues {
		all = append(all, q.partitions)
	}
	e.mu.RUnlock()
	return e.Keep(ctx, all...)
}

// nextRound gives the next queues of a round over all known ones.
func (e *Engine) nextRound(n int) [][]*Partition {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.round) == 0 {
		e.round = slices.Collect(maps.Keys(e.queues))
	}
	n = min(n, len(e.round))
	var some [][]*Partition
	for _, name := range e.round[:n] {
		if q := e.queues[name]; q != nil {
			some = append(some, q.partitions)
		}
	}
	e.round = e.round[n:]
	return some
}

// Keep compares queues, each as this process knows it, with the registry: those that
// Redis has forgotten are written again, of two numbers of partitions the larger one
// holds, and those that have been deleted are forgotten here, unless something was put
// into them since. It gives what has changed for this process.
func (e *Engine) Keep(ctx context.Context, queues ...[]*Partition) ([]Change, error) {
	var changes []Change
	for some := range slices.Chunk(queues, keepAtOnce) {
		changed, _, err := e.keep(ctx, some)
		changes = append(changes, changed...)
		if err != nil {
			return changes, err
		}
	}
	return changes, nil
}

// keep looks at some queues, and says whether Redis had lost any.
func (e *Engine) keep(ctx context.Context, queues [][]*Partition) (changes []Change, lost bool, err error) {
	if len(queues) == 0 {
		return nil, false, nil
	}
	rows, last, written, err := e.settle(ctx, queues, e.seen(queues))
	if err != nil {
		return nil, false, err
	}
	var doubtful [][]*Partition // there are fewer partitions than this process knows
	var left []int              // how many
	for i, partitions := range queues {
		if rows[i] < len(partitions) {
			doubtful, left = append(doubtful, partitions), append(left, rows[i])
			continue
		}
		changes = e.confirm(changes, partitions, rows[i], last)
	}
	resolved, lost, err := e.resolve(ctx, doubtful, left, last)
	return append(changes, resolved...), lost || written > 0, err
}

// resolve decides on queues that have fewer partitions than this process knows,
// because they were deleted or Redis has lost them: where there is something in the
// others, they are written again.
func (e *Engine) resolve(ctx context.Context, queues [][]*Partition, left []int, last int64) (changes []Change, lost bool, err error) {
	if len(queues) == 0 {
		return nil, false, nil
	}
	used, err := e.used(ctx, queues, left)
	if err != nil {
		return nil, false, err
	}
	var again [][]*Partition
	for i, partitions := range queues {
		if used[i] {
			again = append(again, partitions)
		} else {
			changes = append(changes, e.shrink(partitions[0].Queue, left[i], last))
		}
	}
	if len(again) == 0 {
		return changes, false, nil
	}
	authority := slices.Repeat([]int64{last}, len(again))
	rows, last, _, err := e.settle(ctx, again, authority)
	if err != nil {
		return changes, false, err
	}
	for i, partitions := range again {
		if rows[i] > 0 { // 0: deleted at this moment; the next time tells
			changes = e.confirm(changes, partitions, rows[i], last)
		}
	}
	return changes, true, nil
}

// confirm takes in that a queue has a row of n partitions, and adds a change if that is
// not what this process took it for.
func (e *Engine) confirm(changes []Change, partitions []*Partition, n int, last int64) []Change {
	name := partitions[0].Queue
	_, known := e.Known(name)
	if now := e.remember(name, n, last); !known || len(now) != len(partitions) {
		return append(changes, Change{name, now})
	}
	return changes
}

// seen gives for each queue the last deletion at which it was there.
func (e *Engine) seen(queues [][]*Partition) []int64 {
	e.mu.RLock()
	defer e.mu.RUnlock()
	seen := make([]int64, len(queues))
	for i, partitions := range queues {
		if q := e.queues[partitions[0].Queue]; q != nil {
			seen[i] = q.seen
		}
	}
	return seen
}

// settle runs settle.lua and gives for each queue how many partitions it has now, 0
// where it has no row, or none that can be read.
func (e *Engine) settle(ctx context.Context, queues [][]*Partition, seen []int64) (rows []int, last, written int64, err error) {
	args := make([]any, 0, 1+3*len(queues))
	args = append(args, MaxPartitions)
	for i, partitions := range queues {
		args = append(args, partitions[0].Queue, len(partitions), seen[i])
	}
	value, err := e.client.Run(ctx, redis.Call{Script: settleScript, Keys: []string{e.registryKey()}, Args: args})
	if err != nil {
		return nil, 0, 0, failure("keep queues", err)
	}
	reply := asList(value)
	if len(reply) != 3 || len(asList(reply[2])) != len(queues) {
		return nil, 0, 0, fmt.Errorf("keep queues: unexpected reply %v", value)
	}
	rows = make([]int, len(queues))
	for i, row := range asStrings(reply[2]) {
		if n, err := strconv.Atoi(row); err == nil && n <= MaxPartitions {
			rows[i] = max(n, 0)
		}
	}
	return rows, asInt(reply[0]), asInt(reply[1]), nil
}

// used says of each queue whether there is anything in its partitions from one on.
func (e *Engine) used(ctx context.Context, queues [][]*Partition, from []int) ([]bool, error) {
	ctx = redis.Until(ctx, time.Now().Add(keepTimeout))
	pipe := e.client.Pipeline()
	var ask []func() int64
	var of []int
	for i, partitions := range queues {
		for _, p := range partitions[from[i]:] {
			ask, of = append(ask, pipe.Exists(ctx, p.contents()...).Val), append(of, i)
		}
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, failure("look into queues", err)
	}
	used := make([]bool, len(queues))
	for n, exist := range ask {
		used[of[n]] = used[of[n]] || exist() > 0
	}
	return used, nil
}

// keepTimeout is how long a look into queues may take.
const keepTimeout = 5 * time.Second

// contents are the keys that exist only where something was put in.
func (p *Partition) contents() []string {
	var keys []string
	for c, key := range p.keys {
		if column(c) != colBell && column(c) != colMeta && column(c) != colAnswer && column(c) != colAction {
			keys = append(keys, key)
		}
	}
	return keys
}

// shrink takes in that a queue has fewer partitions than were known, or none: then it
// is forgotten.
func (e *Engine) shrink(name string, n int, last int64) Change {
	e.mu.Lock()
	defer e.mu.Unlock()
	if n == 0 {
		delete(e.queues, name)
		return Change{Queue: name}
	}
	q := &queue{partitions: e.layOut(name, nil, n), seen: last}
	e.queues[name] = q
	return Change{name, q.partitions}
}
