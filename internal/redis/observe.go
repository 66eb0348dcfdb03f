package redis

import (
	"context"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// Observer is told what a client does, for metrics. It is called beside every call
// of the client, by many goroutines at once, so it has to be quick.
type Observer interface {
	// Opened gives, once, what tells of the client's connections at any time.
	Opened(pool func() Pool)
	// Ran tells how long a run of a script took, the way to Redis and back
	// included. All that share a round trip took as long as it.
	Ran(script string, took time.Duration)
	// Failed tells of a command that failed, or a round trip that did; see Class.
	Failed(class string)
}

// Pool is the state of a client's connections.
type Pool struct {
	Idle, Used int    // of those for commands
	Blocking   int    // of those for blocking waits
	Waits      uint64 // how often a command had to wait for a free connection
	Timeouts   uint64 // how often it waited in vain
	Closed     bool   // the client is: nothing of this changes any more
}

// pool is the state of the client's own connections.
func (c *Client) pool() Pool {
	s := c.PoolStats()
	p := Pool{
		Idle: int(s.IdleConns), Used: int(s.TotalConns - min(s.IdleConns, s.TotalConns)),
		Waits: uint64(s.WaitCount), Timeouts: uint64(s.Timeouts), Closed: c.closed.Load(),
	}
	if blocking := c.opened.Load(); blocking != nil {
		p.Blocking = int((*blocking).PoolStats().TotalConns)
	}
	return p
}

// Observe has o told what the client does. It comes before the client's first call.
func (c *Client) Observe(o Observer) {
	c.observer = o
	c.AddHook(errorHook{o})
	o.Opened(c.pool)
}

// silent is the Observer of a client that has none.
type silent struct{}

func (silent) Opened(func() Pool)        {}
func (silent) Ran(string, time.Duration) {}
func (silent) Failed(string)             {}

// errorHook counts errors.
type errorHook struct{ observer Observer }

// DialHook counts nothing: the command that wanted the connection fails.
func (errorHook) DialHook(next goredis.DialHook) goredis.DialHook { return next }

func (h errorHook) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, cmd goredis.Cmder) error {
		err := next(ctx, cmd)
		h.count(err)
		return err
	}
}

// ProcessPipelineHook counts a round trip that failed once, whatever it carried.
func (h errorHook) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []goredis.Cmder) error {
		err := next(ctx, cmds)
		if !Answered(err) {
			h.count(err)
			return err
		}
		for _, cmd := range cmds {
			if cmd.Name() != "client" { // how go-redis introduces itself; old servers do not know it
				h.count(cmd.Err())
			}
		}
		return err
	}
}

func (h errorHook) count(err error) {
	if class := Class(err); class != "" {
		h.observer.Failed(class)
	}
}
