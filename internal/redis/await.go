package redis

import (
	"context"
	"errors"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// Await takes an element from the first of lists that has one, waiting for d at most,
// and then runs scripts, all in one round trip: who waits for work claims it in the
// same moment that it comes. The scripts run also if nothing came. heard is what became
// of the wait. On a Cluster lists and keys must be of one slot.
func (c *Client) Await(ctx context.Context, lists []string, d time.Duration, calls []Call) (replies []Reply, heard error) {
	ctx = Until(ctx, time.Now().Add(d+c.patience))
	args := make([]any, 0, 2+len(lists))
	args = append(args, "brpop")
	for _, list := range lists {
		args = append(args, list)
	}
	wait := once{goredis.NewCmd(ctx, append(args, d.Seconds())...)}
	pipe := c.Blocking().Pipeline()
	_ = pipe.Process(ctx, wait) // queued only
	cmds := c.queue(ctx, pipe, calls)
	_, _ = pipe.Exec(ctx) // each command carries its own error
	if heard = wait.Err(); errors.Is(heard, goredis.Nil) {
		heard = nil // silence is no error
	}
	return c.collect(ctx, calls, cmds), heard
}
