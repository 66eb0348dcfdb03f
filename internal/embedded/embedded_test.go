package embedded

import (
	"net"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

func open(t *testing.T, s *Server) *goredis.Client { return openURL(t, s.URL()) }

func openURL(t *testing.T, url string) *goredis.Client {
	t.Helper()
	opts, err := goredis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	opts.MaxRetries = -1
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

func startAt(t *testing.T, now time.Time) *Standing {
	t.Helper()
	s, err := StartAt(now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func TestClockStandsUntilItIsSet(t *testing.T) {
	t.Parallel()
	begin := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	s := startAt(t, begin)
	client := openURL(t, s.URL())
	if err := client.Set(t.Context(), "k", "v", time.Hour).Err(); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		at    time.Time
		there int64
	}{{begin, 1}, {begin.Add(59 * time.Minute), 1}, {begin.Add(time.Hour), 0}} {
		s.SetTime(step.at)
		told, err := client.Eval(t.Context(), "return redis.call('TIME')[1]", nil).Int64()
		if err != nil || told != step.at.Unix() {
			t.Errorf("scripts are told %d, %v; want %d", told, err, step.at.Unix())
		}
		if n := client.Exists(t.Context(), "k").Val(); n != step.there {
			t.Errorf("at %v the key is there %d times, want %d", step.at, n, step.there)
		}
	}
}

func TestClientsGoByTheServersClock(t *testing.T) {
	t.Parallel()
	begin := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	s, err := StartAt(begin)
	if err != nil {
		t.Fatal(err)
	}
	its, err := redis.Open(redis.Config{URL: s.URL()})
	if err != nil {
		t.Fatal(err)
	}
	defer its.Close()
	cloned, err := redis.Open(redis.Config{Client: openURL(t, s.URL())})
	if err != nil {
		t.Fatal(err)
	}
	defer cloned.Close()
	s.SetTime(begin.Add(time.Hour))
	for _, c := range []*redis.Client{its, cloned} {
		if now := c.Now(); !now.Equal(begin.Add(time.Hour)) {
			t.Errorf("its clients say that it is %v", now)
		}
	}
	url := s.URL()
	s.Close()
	after, err := redis.Open(redis.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer after.Close()
	if took := time.Since(after.Now()); took < 0 || took > time.Minute {
		t.Errorf("when the server is gone its address has a clock that is %v slow", took)
	}
}

func TestLostReplies(t *testing.T) {
	t.Parallel()
	s := startAt(t, time.Now())
	client := openURL(t, s.URL())
	ctx := t.Context()
	s.LoseReplies(func() {
		if n, err := client.Eval(ctx, "return redis.call('INCR', KEYS[1])", []string{"n"}).Int(); err == nil {
			t.Errorf("a reply came: %d", n)
		}
	})
	n, err := client.Eval(ctx, "return redis.call('INCR', KEYS[1])", []string{"n"}).Int()
	if err != nil || n != 2 {
		t.Errorf("then %d, %v; want what was lost to be counted", n, err)
	}
}
