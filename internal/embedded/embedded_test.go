package embedded

import (
	"net"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/drayhorse/drayhorse/internal/redistest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, s *Server) *goredis.Client {
	t.Helper()
	opts, err := goredis.ParseURL(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	client := goredis.NewClient(opts)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func start(t *testing.T, addr string) *Server {
	t.Helper()
	s, err := Start(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func TestServersAreApart(t *testing.T) {
	t.Parallel()
	a, b := open(t, start(t, "")), open(t, start(t, "127.0.0.1:0"))
	if err := a.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if n := b.Exists(t.Context(), "k").Val(); n != 0 {
		t.Error("two servers share their data")
	}
}

func TestKeysExpire(t *testing.T) {
	t.Parallel()
	client := open(t, start(t, ""))
	if err := client.Set(t.Context(), "k", "v", 50*time.Millisecond).Err(); err != nil {
		t.Fatal(err)
	}
	redistest.Eventually(t, 5*time.Second, "the key expires", func() bool {
		return client.Exists(t.Context(), "k").Val() == 0
	})
}

func TestTakenAddressIsAnError(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if s, err := Start(l.Addr().String()); err == nil {
		s.Close()
		t.Fatal("two servers on one address")
	}
}

func TestCloseEndsTheServer(t *testing.T) {
	t.Parallel()
	s, err := Start("")
	if err != nil {
		t.Fatal(err)
	}
	client := open(t, s)
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if err := client.Ping(t.Context()).Err(); err == nil {
		t.Error("a closed server answers")
	}
}
