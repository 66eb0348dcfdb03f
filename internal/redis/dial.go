package redis

import (
	"context"
	"errors"
	"net"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// dialHook makes every failure to get a connection a dial error, so that it is
// known that no command was sent: a refused handshake of TLS, or sentinels that
// name no primary, are not otherwise told from a lost reply.
type dialHook struct{}

func (dialHook) DialHook(next goredis.DialHook) goredis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := next(ctx, network, addr)
		if err == nil || isDial(err) {
			return conn, err
		}
		if errors.Is(err, goredis.Nil) { // it must not read as a key that is not there
			err = errors.New("no sentinel that can be reached knows a primary of that name")
		}
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
}

func (dialHook) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook { return next }

// slotsHook gives the question for a Cluster's slots a third of the time of other
// calls: go-redis asks one node after the other, and one that stands still must leave
// time for the next.
type slotsHook struct{ dialHook }

func (slotsHook) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, cmd goredis.Cmder) error {
		if args := cmd.Args(); len(args) == 2 && args[0] == "cluster" && args[1] == "slots" {
			ctx = Until(ctx, time.Now().Add(callTimeout/3))
		}
		return next(ctx, cmd)
	}
}

func (dialHook) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return next
}

func isDial(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}
