package redistest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

func TestMain(m *testing.M) { Main(m) }

func TestStart(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]Option{
		"plain":    nil,
		"password": {WithPassword("s3cret")},
		"socket":   {WithUnixSocket()},
		"tls":      {WithTLS(NewCerts(t))},
		"config":   {WithConfig("maxmemory 10mb", "maxmemory-policy allkeys-lru")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := Start(t, opts...)
			if err := s.Client(t).Set(t.Context(), "a", "b", 0).Err(); err != nil {
				t.Fatalf("%s: %v", s.URL, err)
			}
		})
	}
}

func TestRestartKeepsTheAppendOnlyFile(t *testing.T) {
	t.Parallel()
	s := Start(t, WithAOF())
	client := s.Client(t)
	if err := client.Set(t.Context(), "a", "b", 0).Err(); err != nil {
		t.Fatal(err)
	}
	s.Kill()
	if err := client.Ping(t.Context()).Err(); err == nil {
		t.Fatal("a killed server answered")
	}
	s.Restart()
	if got := client.Get(t.Context(), "a").Val(); got != "b" {
		t.Fatalf("after the restart: %q", got)
	}
}

func TestPauseHoldsReplies(t *testing.T) {
	t.Parallel()
	s := Start(t)
	client := s.Client(t)
	s.Pause()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := client.Ping(ctx).Err(); err == nil {
		t.Fatalf("a paused server answered")
	}
	s.Resume()
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
}

func TestBadConfigIsReported(t *testing.T) {
	t.Parallel()
	w, cancel := waitFor(t, unlimited)
	defer cancel()
	_, err := launch(w, newSettings([]Option{WithConfig("no-such-setting 1")}), redisNode)
	if err == nil || !strings.Contains(err.Error(), "no-such-setting") {
		t.Fatalf("got %v", err)
	}
}

func TestTakenPortIsReplaced(t *testing.T) {
	t.Parallel()
	first := Start(t)
	second, err := prepare(newSettings([]Option{WithConfig("port " + first.Addr[len("127.0.0.1:"):])}), redisNode)
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, second.remove)
	w, cancel := waitFor(t, unlimited)
	defer cancel()
	if err := second.run(w); !errors.Is(err, errAddressTaken) {
		t.Fatalf("got %v", err)
	}
}

func TestSharedServersAreOne(t *testing.T) {
	t.Parallel()
	if a, b := Shared(t), Shared(t); a != b {
		t.Errorf("two servers: %s and %s", a, b)
	}
	if a, b := SharedCluster(t), SharedCluster(t); a != b {
		t.Errorf("two Clusters: %s and %s", a, b)
	}
	if a, b := Namespace(t), Namespace(t); a == b {
		t.Errorf("one namespace twice: %s", a)
	}
	opts, err := goredis.ParseURL(Shared(t))
	if err != nil {
		t.Fatal(err)
	}
	client := goredis.NewClient(opts)
	closeAtEnd(t, client.Close)
	if err := client.Set(t.Context(), Namespace(t), 1, 0).Err(); err != nil {
		t.Fatal(err)
	}
}
