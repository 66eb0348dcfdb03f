package redis

import (
	"errors"
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

func closing[C interface{ Close() error }](t *testing.T, c C) C {
	t.Helper()
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestCloneReaches(t *testing.T) {
	t.Parallel()
	for name, original := range map[string]func(t *testing.T) goredis.UniversalClient{
		"single": func(t *testing.T) goredis.UniversalClient {
			t.Helper()
			return redistest.Start(t, redistest.WithPassword("s3cret")).Client(t)
		},
		"tls": func(t *testing.T) goredis.UniversalClient {
			t.Helper()
			return redistest.Start(t, redistest.WithTLS(redistest.NewCerts(t))).Client(t)
		},
		"socket": func(t *testing.T) goredis.UniversalClient {
			t.Helper()
			return redistest.Start(t, redistest.WithUnixSocket()).Client(t)
		},
		"cluster": func(t *testing.T) goredis.UniversalClient {
			t.Helper()
			addrs := strings.TrimPrefix(redistest.SharedCluster(t), "redis+cluster://")
			return closing(t, goredis.NewClusterClient(&goredis.ClusterOptions{Addrs: strings.Split(addrs, ",")}))
		},
		"embedded": func(t *testing.T) goredis.UniversalClient {
			t.Helper()
			return closing(t, goredis.NewClient(&goredis.Options{Addr: embedded(t).Addr()}))
		},
		"own": func(t *testing.T) goredis.UniversalClient { t.Helper(); return open(t, redistest.Shared(t)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := original(t)
			c := cloneOf(t, o)
			works(t, c)
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			if err := o.Ping(t.Context()).Err(); err != nil {
				t.Errorf("the application's client after the clone was closed: %v", err)
			}
			if c.IsCluster() != (name == "cluster") || c.Addr() == "" || strings.Contains(c.Addr(), "s3cret") {
				t.Errorf("cluster %v, addr %q", c.IsCluster(), c.Addr())
			}
		})
	}
}

func TestCloneHasOwnSettings(t *testing.T) {
	t.Parallel()
	o := closing(t, goredis.NewClient(&goredis.Options{Addr: "127.0.0.1:1", MaxRetries: 5, DB: 3, ClientName: "app", PoolSize: 3}))
	got := cloneOf(t, o).UniversalClient.(*goredis.Client).Options()
	if got.MaxRetries != 0 || got.DialerRetries != 1 || !got.ContextTimeoutEnabled || got.Protocol != 2 || got.ReadTimeout != callTimeout {
		t.Errorf("settings of the application are left: %+v", got)
	}
	if got.DB != 3 || got.ClientName != "app" || got.Addr != "127.0.0.1:1" {
		t.Errorf("settings of the application are lost: %+v", got)
	}
	if o.Options().MaxRetries != 5 || o.Options().Protocol != 3 {
		t.Error("the application's own client was changed")
	}
}

// A client that asks sentinels is told from others by its dialer alone.
func TestCloneOfSentinelClientFollowsThePrimary(t *testing.T) {
	t.Parallel()
	g := redistest.StartSentinel(t)
	addrs := make([]string, len(g.Sentinels))
	for i, s := range g.Sentinels {
		addrs[i] = s.Addr
	}
	o := closing(t, goredis.NewFailoverClient(&goredis.FailoverOptions{MasterName: g.Master, SentinelAddrs: addrs}))
	c := cloneOf(t, o)
	works(t, c)
	if !strings.Contains(c.Addr(), "sentinel") {
		t.Errorf("addr %q", c.Addr())
	}
	g.KillPrimary(t)
	redistest.Eventually(t, waitLimit, "writes on the new primary", func() bool {
		_, err := c.Run(t.Context(), Call{setScript, []string{"after"}, []any{"b"}})
		return err == nil
	})
}

func TestCloneRefusesOthers(t *testing.T) {
	t.Parallel()
	ring := closing(t, goredis.NewRing(&goredis.RingOptions{Addrs: map[string]string{"a": "127.0.0.1:1"}}))
	_, err := Open(Config{Client: ring})
	if !errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(err.Error(), "*redis.Ring") {
		t.Errorf("got %v", err)
	}
}

func TestNilClientsAreRefused(t *testing.T) {
	t.Parallel()
	for want, client := range map[string]goredis.UniversalClient{
		"nil *redis.Client": (*goredis.Client)(nil), "nil *redis.ClusterClient": (*goredis.ClusterClient)(nil),
		"nil *redis.Ring": (*goredis.Ring)(nil),
	} {
		if _, err := Open(Config{Client: client}); !errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want ErrInvalid with %q", err, want)
		}
	}
}
