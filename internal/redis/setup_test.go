package redis

import (
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse/internal/redistest"
)

const waitLimit = 20 * time.Second

func open(t *testing.T, url string) *Client {
	t.Helper()
	return openConfig(t, Config{URL: url})
}

func cloneOf(t *testing.T, client goredis.UniversalClient) *Client {
	t.Helper()
	return openConfig(t, Config{Client: client})
}

func openConfig(t *testing.T, cfg Config) *Client {
	t.Helper()
	c, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return c
}

func embedded(t *testing.T) *miniredis.Miniredis {
	t.Helper()
	return miniredis.RunT(t)
}

// setScript writes its argument to its key and returns what it wrote.
var setScript = NewScript("set", "#!lua\nredis.call('SET', KEYS[1], ARGV[1])\nreturn ARGV[1]\n")

// works checks that a client serves commands, scripts and blocking waits.
func works(t *testing.T, c *Client) {
	t.Helper()
	ctx, key := t.Context(), redistest.Namespace(t)
	if err := c.Check(ctx); err != nil {
		t.Fatalf("check: %v", err)
	}
	if got, err := c.Run(ctx, Call{setScript, []string{key}, []any{"a"}}); err != nil || got != "a" {
		t.Fatalf("script: %v, %v", got, err)
	}
	if got, err := c.Get(ctx, key).Result(); err != nil || got != "a" {
		t.Fatalf("get: %q, %v", got, err)
	}
	if err := c.LPush(ctx, key+"-bell", "x").Err(); err != nil {
		t.Fatalf("push: %v", err)
	}
	if got, err := c.Blocking().BRPop(ctx, time.Second, key+"-bell").Result(); err != nil || got[1] != "x" {
		t.Fatalf("blocking pop: %v, %v", got, err)
	}
}
