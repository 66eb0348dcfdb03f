package redis

import (
	"context"
	"errors"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// confirmed is WAIT, which a client never sends again by itself.
type confirmed struct{ *goredis.IntCmd }

// NoRetry is how go-redis asks.
func (confirmed) NoRetry() bool { return true }

// RunReplicated runs one script and waits until n replicas have confirmed what it
// wrote, for d at most. It gives how many have. WAIT is about all that the primary
// had written when it ran this connection's last command, so a script that is
// repeated and writes nothing is confirmed with what it wrote the first time. A
// server that knows no WAIT has no replicas.
func (c *Client) RunReplicated(ctx context.Context, call Call, n int, d time.Duration) (value any, replicas int, err error) {
	ctx = Until(ctx, time.Now().Add(c.patience))
	defer c.ran(time.Now(), call)
	node, err := c.primary(ctx, call.Keys[0])
	if err != nil {
		return nil, 0, err
	}
	var wait confirmed
	send := func(command, script string) (any, error) {
		var cmd once
		cmd, wait = c.pipeReplicated(ctx, node, newOnce(ctx, command, script, call), n, d)
		return cmd.Result()
	}
	value, err = send("evalsha", c.source(call.Script).sha)
	if goredis.HasErrorPrefix(err, "NOSCRIPT") {
		value, err = c.byText(call.Script, func(text string) (any, error) { return send("eval", text) })
	}
	if err != nil {
		return nil, 0, err
	}
	return value, int(wait.Val()), nil
}

// pipeReplicated sends both commands over one connection.
func (c *Client) pipeReplicated(ctx context.Context, node *goredis.Client, cmd once, n int, d time.Duration) (once, confirmed) {
	wait := confirmed{goredis.NewIntCmd(ctx, "wait", n, d.Milliseconds())}
	pipe := node.Pipeline()
	_, _ = pipe.Process(ctx, cmd), pipe.Process(ctx, wait) // queued only
	_, _ = pipe.Exec(ctx)                                  // each command carries its own error
	return cmd, wait
}

// primary gives the node that has a key.
func (c *Client) primary(ctx context.Context, key string) (*goredis.Client, error) {
	switch u := c.UniversalClient.(type) {
	case *goredis.Client:
		return u, nil
	case *goredis.ClusterClient:
		return u.MasterForKey(ctx, key)
	default:
		return nil, errors.New("replicas cannot be waited for over this client")
	}
}
