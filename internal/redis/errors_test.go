package redis

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// class is what errors.go says of an error.
type class struct{ answered, ambiguous, temporary, full, unavailable bool }

func classify(err error) class {
	return class{
		Answered(err), Ambiguous(err), Temporary(err), IsFull(err),
		errors.Is(Wrap("op", err), drayhorse.ErrUnavailable),
	}
}

func expect(t *testing.T, err error, want class) {
	t.Helper()
	if got := classify(err); err == nil || got != want {
		t.Errorf("%v\ngot  %+v\nwant %+v", err, got, want)
	}
}

func set(t *testing.T, c *Client) error {
	t.Helper()
	_, err := c.Run(t.Context(), Call{setScript, []string{"k"}, []any{strings.Repeat("v", 100)}})
	return err
}

func TestNilIsNoError(t *testing.T) {
	t.Parallel()
	if got := classify(nil); got != (class{answered: true}) || Wrap("op", nil) != nil {
		t.Errorf("got %+v", got)
	}
}

func TestFullServer(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.WithConfig("maxmemory 1"))
	err := set(t, open(t, s.URL))
	expect(t, err, class{answered: true, temporary: true, full: true, unavailable: true})
	if !errors.Is(Wrap("op", err), drayhorse.ErrFull) {
		t.Errorf("no ErrFull: %v", err)
	}
}

func TestLoadingServer(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	observer := s.Client(t)
	// 20,000 keys of 1 ms each keep the server loading for about 20 s.
	if err := observer.Do(t.Context(), "debug", "populate", 20_000).Err(); err != nil {
		t.Fatal(err)
	}
	if err := observer.ConfigSet(t.Context(), "key-load-delay", "1000").Err(); err != nil {
		t.Fatal(err)
	}
	if err := observer.ConfigSet(t.Context(), "loading-process-events-interval-bytes", "1024").Err(); err != nil {
		t.Fatal(err)
	}
	c := open(t, s.URL)
	works(t, c)
	reloaded := make(chan struct{})
	go func() {
		defer close(reloaded)
		_ = observer.Do(t.Context(), "debug", "reload").Err() // the server is killed before it answers
	}()
	var err error
	redistest.Eventually(t, waitLimit, "LOADING", func() bool {
		err = set(t, c)
		return hasWord(err, []string{"LOADING"})
	})
	expect(t, err, class{answered: true, temporary: true, unavailable: true})
	s.Kill() // nobody waits for the rest
	<-reloaded
}

func TestReplicaIsReadOnly(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.WithConfig("replicaof 127.0.0.1 1"))
	expect(t, set(t, open(t, s.URL)), class{answered: true, temporary: true, unavailable: true})
}

func TestBusyServer(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.WithConfig("busy-reply-threshold 10"))
	busy := NewScript("busy", "#!lua\nwhile true do end\n")
	done := make(chan error, 1)
	hog, c := open(t, s.URL+"?read_timeout=10m"), open(t, s.URL)
	go func() {
		_, err := hog.Run(t.Context(), Call{busy, []string{"k"}, nil})
		done <- err
	}()
	var err error
	redistest.Eventually(t, waitLimit, "BUSY", func() bool {
		err = set(t, c)
		return hasWord(err, []string{"BUSY"})
	})
	expect(t, err, class{answered: true, temporary: true, unavailable: true})
	if err := c.ScriptKill(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	expect(t, <-done, class{answered: true})
}

func TestWrongTypeIsPermanent(t *testing.T) {
	t.Parallel()
	c := open(t, redistest.Shared(t))
	key := redistest.Namespace(t)
	if err := c.LPush(t.Context(), key, "x").Err(); err != nil {
		t.Fatal(err)
	}
	expect(t, c.Incr(t.Context(), key).Err(), class{answered: true})
}

func TestRefusedDialIsNotAmbiguous(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	s.Kill()
	for _, url := range []string{s.URL, "unix:///no/such.sock", "redis+cluster://" + s.Addr, "redis+sentinel://" + s.Addr + "/main"} {
		expect(t, set(t, open(t, url)), class{temporary: true, unavailable: true})
	}
}

func TestFailedHandshakeIsNotAmbiguous(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.WithTLS(redistest.NewCerts(t)))
	stranger, _, _ := strings.Cut(s.URL, "?") // does not know the authority
	expect(t, set(t, open(t, stranger)), class{temporary: true, unavailable: true})
}

func TestServerKilledInACallIsAmbiguous(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	c := open(t, s.URL)
	works(t, c)
	s.Pause()
	done := make(chan error, 1)
	go func() { done <- set(t, c) }()
	redistest.Eventually(t, waitLimit, "a call on its way", func() bool { return c.PoolStats().IdleConns == 0 })
	s.Kill()
	expect(t, <-done, class{ambiguous: true, temporary: true, unavailable: true})
}

func TestTimeoutIsAmbiguous(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	p := redistest.NewProxy(t, s.Addr)
	c := open(t, "redis://"+p.Addr)
	works(t, c)
	p.Freeze()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second) // the call is on its way by then
	defer cancel()
	_, err := c.Run(ctx, Call{setScript, []string{"k"}, []any{"v"}})
	expect(t, err, class{ambiguous: true, temporary: true, unavailable: true})
}

func TestClosedClientIsPermanent(t *testing.T) {
	t.Parallel()
	c := open(t, redistest.Shared(t))
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	expect(t, set(t, c), class{})
}

func TestPoolTimeoutIsNotAmbiguous(t *testing.T) {
	t.Parallel()
	expect(t, goredis.ErrPoolTimeout, class{temporary: true, unavailable: true})
}
