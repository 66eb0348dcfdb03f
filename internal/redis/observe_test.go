package redis

import (
	"context"
	"maps"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse/internal/redistest"
)

// notes is an Observer that remembers.
type notes struct {
	mu     sync.Mutex
	failed map[string]int
	ran    map[string]int
	pool   func() Pool
}

func (n *notes) Opened(pool func() Pool) { n.pool = pool }

func (n *notes) Ran(script string, _ time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ran[script]++
}

func (n *notes) Failed(class string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.failed[class]++
}

// since gives the errors that act makes.
func (n *notes) since(act func()) map[string]int {
	n.mu.Lock()
	n.failed = map[string]int{}
	n.mu.Unlock()
	act()
	n.mu.Lock()
	defer n.mu.Unlock()
	return maps.Clone(n.failed)
}

func observed(t *testing.T, url string) (*Client, *notes) {
	t.Helper()
	c, err := Open(Config{URL: url, PoolSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	n := &notes{failed: map[string]int{}, ran: map[string]int{}}
	c.Observe(n)
	return c, n
}

// TestObserverHearsOfErrors: of each class once, and of nothing that is none.
func TestObserverHearsOfErrors(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	c, n := observed(t, server.URL)
	ctx := t.Context()
	word := NewScript("word", "#!lua\nreturn redis.error_reply('LEASELOST it is gone')")
	short := func() context.Context {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		t.Cleanup(cancel)
		return ctx
	}
	if err := c.Set(ctx, "text", "x", 0).Err(); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		what string
		act  func()
		want map[string]int
	}{
		{"a key that is not there", func() { c.Get(ctx, "nobody") }, map[string]int{}},
		{"a script's own word", func() { _, _ = c.Run(ctx, Call{Script: word}) }, map[string]int{}},
		{"an end that was wanted", func() {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			c.Get(ctx, "text")
		}, map[string]int{}},
		{"a wait in vain", func() { c.Blocking().BRPop(ctx, 10*time.Millisecond, "nobody") }, map[string]int{}},
		{"a command of another type", func() { c.LPush(ctx, "text", "x") }, map[string]int{Failed: 1}},
		{"one of a pipeline", func() {
			_, _ = c.Pipelined(ctx, func(p goredis.Pipeliner) error {
				p.Get(ctx, "text")
				p.LPush(ctx, "text", "x")
				return nil
			})
		}, map[string]int{Failed: 1}},
		{"a full server", func() {
			c.ConfigSet(ctx, "maxmemory", "1")
			c.Set(ctx, "text", "y", 0)
			c.ConfigSet(ctx, "maxmemory", "0")
		}, map[string]int{Full: 1}},
		{"a permission that lacks", func() {
			if err := server.Client(t).Do(ctx, "acl", "setuser", "stranger", "on", "nopass", "~*", "+get").Err(); err != nil {
				t.Fatal(err)
			}
			stranger, hers := observed(t, "redis://stranger:x@"+server.Client(t).Options().Addr)
			stranger.Set(ctx, "text", "x", 0)
			for class, times := range hers.failed {
				for range times {
					n.Failed(class)
				}
			}
		}, map[string]int{Refused: 1}},
		{"a frozen server", func() {
			server.Pause()
			c.Get(short(), "text")
			server.Resume()
		}, map[string]int{TimedOut: 1}},
		{"a connection that breaks", func() {
			if err := c.Ping(ctx).Err(); err != nil { // one that is alive
				t.Fatal(err)
			}
			gone := make(chan struct{})
			go func() {
				c.Blocking().BRPop(ctx, time.Minute, "nobody")
				close(gone)
			}()
			operator := server.Client(t)
			redistest.Eventually(t, 30*time.Second, "the wait ends", func() bool {
				if n.pool().Blocking > 0 {
					_ = operator.Do(ctx, "client", "kill", "type", "normal", "skipme", "yes").Err()
				}
				return closed(gone)
			})
		}, map[string]int{Lost: 1}},
	} {
		got := n.since(step.act)
		if step.what == "a connection that breaks" && got[Lost] > 0 {
			continue // its commands' connection may have been noticed as well
		}
		if !maps.Equal(got, step.want) {
			t.Errorf("%s: %v, want %v", step.what, got, step.want)
		}
	}
	if n.ran["word"] != 1 {
		t.Errorf("ran: %v, want the script once", n.ran)
	}
	if p := n.pool(); p.Idle+p.Used > 1 || p.Blocking > 1 {
		t.Errorf("pool: %+v", p)
	}
	server.Kill()
	if got := n.since(func() { c.Get(ctx, "text"); c.Get(ctx, "text") }); got[Unreachable] == 0 {
		t.Errorf("a dead server: %v", got)
	}
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
