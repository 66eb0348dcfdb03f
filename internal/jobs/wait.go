package jobs

import (
	"context"
	"errors"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// Wait blocks until a bell of the partitions rings, or a nudge of that name comes ("":
// none can), for d at most (whole seconds, at least one), and gives the partition whose
// bell it was, or nil. On a Cluster the partitions must be of one slot, and there are no
// nudges. The bell is a hint: who takes it and cannot claim must Ring again. ctx's end
// does not interrupt the wait.
func (e *Engine) Wait(ctx context.Context, name string, d time.Duration, partitions ...*Partition) (*Partition, error) {
	keys := make([]string, len(partitions), len(partitions)+1)
	for i, p := range partitions {
		keys[i] = p.key(colBell)
	}
	if name != "" {
		keys = append(keys, e.nudgeKey(name))
	}
	popped, err := e.client.Blocking().BRPop(ctx, d, keys...).Result()
	if errors.Is(err, goredis.Nil) {
		return nil, nil // silence is no error
	}
	if err != nil {
		return nil, failure("wait", err)
	}
	for _, p := range partitions {
		if p.key(colBell) == popped[0] {
			return p, nil
		}
	}
	return nil, nil // it was nudged
}

// nudgeStays is how long a nudge waits for whom it is meant for.
const nudgeStays = 10 * time.Second

// WaitAndTurn waits like Wait, for a bell of the turns' partitions or a nudge, and
// then makes the turns, in one round trip: a job that comes to an idle worker is
// claimed in the same moment. The turns are made also if nothing rang; they answer or
// fail as in RunTurns. The error is that of the wait: the bells cannot be heard.
func (e *Engine) WaitAndTurn(ctx context.Context, name string, d time.Duration, turns ...*Turn) ([]TurnReply, error) {
	bells := make([]string, 0, len(turns)+1)
	for _, t := range turns {
		bells = append(bells, t.Lease.Partition.key(colBell))
	}
	calls := callTurns(turns)
	if hasReports(turns) && !e.writeReports(ctx, turns) {
		return withoutReports(turns), nil
	}
	answers, err := e.client.Await(ctx, append(bells, e.nudgeKey(name)), d, calls)
	return decodeTurns(turns, answers), failure("wait", err)
}

// Nudge ends a Wait or WaitAndTurn of each of the names, the next one if there is none now.
func (e *Engine) Nudge(ctx context.Context, names ...string) error {
	pipe := e.client.Pipeline()
	for _, name := range names {
		pipe.LPush(ctx, e.nudgeKey(name), 1)
		pipe.PExpire(ctx, e.nudgeKey(name), nudgeStays)
	}
	_, err := pipe.Exec(ctx)
	return failure("nudge", err)
}

func (e *Engine) nudgeKey(name string) string { return e.namespace + ":nudge:" + name }

// Ring wakes an idle worker if there is something to claim.
func (p *Partition) Ring(ctx context.Context) error {
	_, err := p.run(ctx, ringScript)
	return err
}
