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

func TestProxyDelaysWithoutQueueing(t *testing.T) {
	t.Parallel()
	p, through, _ := setupProxy(t)
	const delay = 100 * time.Millisecond
	p.Delay(delay)
	start := time.Now()
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if err := through.Ping(t.Context()).Err(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	// A new connection takes up to two round trips before the PING's own.
	if took := time.Since(start); took < 2*delay || took > 10*delay {
		t.Fatalf("20 requests at once took %v", took)
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
	const delay, requests = 100 * time.Millisecond, 50
	p.Delay(delay)
	start := time.Now()
	for range requests {
		if _, err := io.WriteString(conn, "PING\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := io.ReadFull(conn, make([]byte, requests*len("+PONG\r\n"))); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took < 2*delay || took > 10*delay {
		t.Fatalf("%d requests took %v", requests, took)
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
