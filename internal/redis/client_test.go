package redis

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

func TestOpenReaches(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]func(t *testing.T) string{
		"single":   func(t *testing.T) string { t.Helper(); return redistest.Shared(t) },
		"cluster":  func(t *testing.T) string { t.Helper(); return redistest.SharedCluster(t) },
		"embedded": func(t *testing.T) string { t.Helper(); return "redis://" + embedded(t).Addr() },
		"database": func(t *testing.T) string {
			t.Helper()
			return "redis://" + redistest.AddrOf(t, redistest.Shared(t)) + "/7"
		},
		"password": func(t *testing.T) string {
			t.Helper()
			return redistest.Start(t, redistest.WithPassword("p@ss/w?rd%")).URL
		},
		"user": func(t *testing.T) string {
			t.Helper()
			rule := strings.ReplaceAll(permissions, "NAMESPACE:", "")
			s := redistest.Start(t, redistest.WithConfig("user app on >s3cret "+rule))
			return strings.Replace(s.URL, "://", "://app:s3cret@", 1)
		},
		"socket": func(t *testing.T) string { t.Helper(); return redistest.Start(t, redistest.WithUnixSocket()).URL },
		"tls": func(t *testing.T) string {
			t.Helper()
			return redistest.Start(t, redistest.WithTLS(redistest.NewCerts(t))).URL
		},
		"sentinel": func(t *testing.T) string {
			t.Helper()
			return redistest.StartSentinel(t, redistest.WithPassword("s3cret")).URL
		},
		"cluster with password": func(t *testing.T) string {
			t.Helper()
			return redistest.StartCluster(t, 3, 0, redistest.WithPassword("s3cret")).URL
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, url(t))
			works(t, c)
			if c.IsCluster() != strings.HasPrefix(name, "cluster") {
				t.Errorf("IsCluster: %v", c.IsCluster())
			}
			if strings.ContainsAny(c.Addr(), "@?") {
				t.Errorf("Addr tells too much: %s", c.Addr())
			}
		})
	}
}

func TestOpenDefaults(t *testing.T) {
	t.Parallel()
	if c := openConfig(t, Config{}); c.Addr() != DefaultURL {
		t.Errorf("points to %s", c.Addr())
	}
}

func TestCloseClosesBoth(t *testing.T) {
	t.Parallel()
	c := open(t, redistest.Shared(t))
	works(t, c)
	for range 2 {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Ping(t.Context()).Err(); err == nil {
		t.Error("commands go on")
	}
	if err := c.Blocking().Ping(t.Context()).Err(); err == nil {
		t.Error("blocking waits go on")
	}
}

func TestBlockingWaitsTakeNoConnectionFromCommands(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	c := openConfig(t, Config{URL: s.URL, PoolSize: 1})
	const key, waiters = "bell", 20
	got := make(chan error, waiters)
	for range waiters {
		go func() { got <- c.Blocking().BRPop(t.Context(), 30*time.Second, key).Err() }()
	}
	redistest.Eventually(t, waitLimit, "all waiting at once", func() bool {
		return strings.Contains(c.Info(t.Context(), "clients").Val(), "blocked_clients:20\r\n")
	})
	for range waiters {
		if err := c.LPush(t.Context(), key, "x").Err(); err != nil {
			t.Fatal(err)
		}
	}
	for range waiters {
		if err := <-got; err != nil {
			t.Fatal(err)
		}
	}
}

func TestSentinelFailover(t *testing.T) {
	t.Parallel()
	g := redistest.StartSentinel(t)
	c := open(t, g.URL)
	works(t, c)
	g.KillPrimary(t)
	redistest.Eventually(t, waitLimit, "writes on the new primary", func() bool {
		_, err := c.Run(t.Context(), Call{setScript, []string{"after"}, []any{"b"}})
		if err != nil && !Temporary(err) {
			t.Fatalf("not temporary: %v", err)
		}
		return err == nil
	})
}

func TestClusterFailover(t *testing.T) {
	t.Parallel()
	g := redistest.StartCluster(t, 3, 1)
	c := open(t, g.URL)
	works(t, c)
	g.Kill(t, 0)
	redistest.Eventually(t, waitLimit, "writes on all slots", func() bool {
		for _, key := range []string{"a", "b", "c", "d", "e", "f", "g"} {
			if _, err := c.Run(t.Context(), Call{setScript, []string{key}, []any{"x"}}); err != nil {
				if !Temporary(err) {
					t.Fatalf("not temporary: %v", err)
				}
				return false
			}
		}
		return true
	})
}

// Five seconds are promised, and a context's end before. The network here is in memory,
// so that the test judges the times themselves.
func TestGivesUpInTime(t *testing.T) {
	t.Parallel()
	silent := func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() { _, _ = io.Copy(io.Discard, server) }()
		return client, nil
	}
	deaf := func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }
	for name, c := range map[string]struct {
		dial             func(context.Context, string, string) (net.Conn, error)
		patience, within time.Duration
	}{
		"no answer":                   {silent, time.Hour, 5 * time.Second},
		"no answer, and ctx ends":     {silent, 200 * time.Millisecond, 200 * time.Millisecond},
		"no connection":               {deaf, time.Hour, 5 * time.Second},
		"no connection, and ctx ends": {deaf, 200 * time.Millisecond, 200 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				app := goredis.NewClient(&goredis.Options{Addr: "127.0.0.1:1", Dialer: c.dial})
				client, err := Open(Config{Client: app})
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _, _ = client.Close(), app.Close() }()
				for what, call := range map[string]func(context.Context) error{
					"run": func(ctx context.Context) error {
						_, err := client.Run(ctx, Call{setScript, []string{"k"}, []any{"v"}})
						return err
					},
					"check": client.Check,
				} {
					ctx, cancel := context.WithTimeout(t.Context(), c.patience)
					start := time.Now()
					err := Wrap("set", call(ctx))
					cancel()
					if took := time.Since(start); !errors.Is(err, drayhorse.ErrUnavailable) || took > c.within {
						t.Errorf("%s: %v after %v, want ErrUnavailable within %v", what, err, took, c.within)
					}
				}
				time.Sleep(time.Minute) // dials that nobody waits for any more end by themselves
			})
		})
	}
}

// A frozen server accepts connections and never answers.
func TestFrozenServerIsUnavailable(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	idle, used := open(t, s.URL), open(t, s.URL)
	works(t, used)
	s.Pause()
	t.Cleanup(s.Resume)
	for name, c := range map[string]*Client{"new connection": idle, "open connection": used} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			_, err := c.Run(t.Context(), Call{setScript, []string{"k"}, []any{"v"}})
			t.Logf("given up after %v", time.Since(start))
			if err = Wrap("set", err); !errors.Is(err, drayhorse.ErrUnavailable) {
				t.Errorf("got %v", err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			start = time.Now()
			if err := c.Check(ctx); !errors.Is(err, drayhorse.ErrUnavailable) || time.Since(start) > redistest.Stretch*2*time.Second {
				t.Errorf("check: %v after %v", err, time.Since(start))
			}
		})
	}
}
