package redistest

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// setupProxy returns a proxy, a client through it and a client past it.
func setupProxy(t *testing.T) (p *Proxy, through, past *goredis.Client) {
	t.Helper()
	s := Start(t)
	p = NewProxy(t, s.Addr)
	proxied := &Server{Addr: p.Addr}
	return p, proxied.Client(t), s.Client(t)
}

func TestProxyPassesAll(t *testing.T) {
	t.Parallel()
	p, through, _ := setupProxy(t)
	large := strings.Repeat("x\r\n", 1<<20)
	for range 3 {
		if err := through.Set(t.Context(), "large", large, 0).Err(); err != nil {
			t.Fatal(err)
		}
		if got := through.Get(t.Context(), "large").Val(); got != large {
			t.Fatalf("got %d bytes, want %d", len(got), len(large))
		}
	}
	resp3 := goredis.NewClient(&goredis.Options{Addr: p.Addr, Protocol: 3})
	closeAtEnd(t, resp3.Close)
	if got := resp3.HSet(t.Context(), "hash", "a", "1", "b", "2").Val(); got != 2 {
		t.Fatalf("hset: %d", got)
	}
	if got := resp3.HGetAll(t.Context(), "hash").Val(); len(got) != 2 {
		t.Fatalf("hgetall: %v", got)
	}
}

func TestProxyPassesTLS(t *testing.T) {
	t.Parallel()
	s := Start(t, WithTLS(NewCerts(t)))
	s.Addr = NewProxy(t, s.Addr).Addr
	if err := s.Client(t).Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
}

func TestProxyCutsReplies(t *testing.T) {
	t.Parallel()
	p, through, past := setupProxy(t)
	p.CutReplies(2, Contains("counter"))
	for i := range 4 {
		if err := through.Set(t.Context(), "other", i, 0).Err(); err != nil {
			t.Fatalf("a request that is not cut: %v", err)
		}
		err := through.Incr(t.Context(), "counter").Err()
		if cut := errors.Is(err, io.EOF); cut != (i < 2) {
			t.Fatalf("request %d: %v", i, err)
		}
	}
	if n := past.Get(t.Context(), "counter").Val(); n != "4" {
		t.Fatalf("the server executed %s of 4", n)
	}
	if p.Cuts() != 2 {
		t.Fatalf("%d cuts, want 2", p.Cuts())
	}
}

func TestProxyCutsAPipelineInTheMiddle(t *testing.T) {
	t.Parallel()
	p, _, past := setupProxy(t)
	p.CutReplies(1, Contains("second"))
	conn, err := net.Dial("tcp", p.Addr)
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, conn.Close)
	if _, err := io.WriteString(conn, "INCR first\r\nINCR second\r\nINCR third\r\n"); err != nil {
		t.Fatal(err)
	}
	replies, err := io.ReadAll(conn)
	if err != nil || string(replies) != ":1\r\n" {
		t.Fatalf("replies %q (%v), want the first alone", replies, err)
	}
	for _, key := range []string{"first", "second", "third"} {
		if past.Get(t.Context(), key).Val() != "1" {
			t.Errorf("%s was not executed", key)
		}
	}
}

// delay of the tests. One after the other, many requests would take 2*many*delay.
const delay, many = 100 * time.Millisecond, 200

func TestProxyDelaysWithoutQueueing(t *testing.T) {
	t.Parallel()
	p, through, _ := setupProxy(t)
	p.Delay(delay)
	start := time.Now()
	var wg sync.WaitGroup
	for range many {
		client := goredis.NewClient(through.Options())
		closeAtEnd(t, client.Close)
		wg.Go(func() {
			if err := client.Ping(t.Context()).Err(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if took := time.Since(start); took < 2*delay || took > many*delay {
		t.Fatalf("%d requests at once took %v", many, took)
	}
}

func TestProxyDelaysManyRequestsOfOneConnection(t *testing.T) {
	t.Parallel()
	p, _, _ := setupProxy(t)
	conn, err := net.Dial("tcp", p.Addr)
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, conn.Close)
	p.Delay(delay)
	start := time.Now()
	for range many {
		if _, err := io.WriteString(conn, "PING\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := io.ReadFull(conn, make([]byte, many*len("+PONG\r\n"))); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took < 2*delay || took > many*delay {
		t.Fatalf("%d requests took %v", many, took)
	}
}

func TestProxyRefuses(t *testing.T) {
	t.Parallel()
	p, through, _ := setupProxy(t)
	if err := through.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	p.Refuse()
	if err := through.Ping(t.Context()).Err(); err != nil {
		t.Fatalf("an open connection: %v", err)
	}
	p.CloseAll()
	Eventually(t, 5*time.Second, "refused connections", func() bool {
		err := through.Ping(t.Context()).Err()
		return err != nil && strings.Contains(err.Error(), "refused")
	})
	p.Resume()
	if err := through.Ping(t.Context()).Err(); err != nil {
		t.Fatalf("after Resume: %v", err)
	}
}

func TestProxyFreezes(t *testing.T) {
	t.Parallel()
	p, through, past := setupProxy(t)
	if err := through.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	p.Freeze()
	replied := make(chan error, 2)
	for range 2 { // on the open connection and on a new one
		go func() { replied <- through.Incr(t.Context(), "n").Err() }()
	}
	select {
	case err := <-replied:
		t.Fatalf("a frozen proxy answered: %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	if n := past.Exists(t.Context(), "n").Val(); n != 0 {
		t.Fatal("a request passed the frozen proxy")
	}
	p.Resume()
	for range 2 {
		if err := <-replied; err != nil {
			t.Fatalf("after Resume: %v", err)
		}
	}
}

func TestProxyLimitsAllConnectionsTogether(t *testing.T) {
	t.Parallel()
	p, through, _ := setupProxy(t)
	const size, connections = 100_000, 5
	p.Limit(1_000_000)
	start := time.Now()
	var wg sync.WaitGroup
	for range connections {
		client := goredis.NewClient(through.Options())
		closeAtEnd(t, client.Close)
		wg.Go(func() {
			if err := client.Set(t.Context(), "k", make([]byte, size), 0).Err(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if took := time.Since(start); took < connections*size*time.Microsecond {
		t.Errorf("%d bytes took %v", connections*size, took)
	}
}
