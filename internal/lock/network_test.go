package lock

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// behindProxy is a fixture, and a locker of it whose network can be broken.
func behindProxy(t *testing.T, timing Timing) (*fixture, *Locker, *redistest.Proxy) {
	t.Helper()
	f := setup(t)
	f.cfg.Timing = timing
	proxy := redistest.NewProxy(t, redistest.AddrOf(t, f.url))
	l := f.lockerOn(t, open(t, "redis://"+proxy.Addr))
	if err := l.Do(t.Context(), "thing", func(context.Context, int64) error { return nil }); err != nil { // loads the scripts
		t.Fatal(err)
	}
	return f, l, proxy
}

func TestLostReplies(t *testing.T) {
	t.Parallel()
	t.Run("acquire", func(t *testing.T) {
		t.Parallel()
		f, l, proxy := behindProxy(t, timing)
		before, _ := strconv.ParseInt(f.field(t, "token"), 10, 64)
		proxy.CutReplies(2, redistest.Contains(l.keys("thing").lease))
		err := l.Do(t.Context(), "thing", func(ctx context.Context, token int64) error {
			if now := f.field(t, "token"); now != strconv.FormatInt(token, 10) || token <= before {
				t.Errorf("has token %d after %d, redis says %s", token, before, now)
			}
			if calls, _ := strconv.Atoi(f.field(t, "call")); calls < 3 { // more: renewed meanwhile
				t.Errorf("granted at call 1 and renewed by two repeats, but redis saw call %d last", calls)
			}
			return ctx.Err()
		})
		if err != nil || proxy.Cuts() != 2 {
			t.Errorf("%v after %d lost replies, want nil after 2", err, proxy.Cuts())
		}
	})
	t.Run("renew", func(t *testing.T) {
		t.Parallel()
		_, l, proxy := behindProxy(t, timing)
		err := l.Do(t.Context(), "thing", func(ctx context.Context, _ int64) error {
			proxy.CutReplies(2, redistest.Contains(l.keys("thing").lease))
			redistest.Eventually(t, patience, "two lost renewals", func() bool { return proxy.Cuts() == 2 || ctx.Err() != nil })
			select {
			case <-ctx.Done():
			case <-time.After(l.cfg.RenewDeadline):
			}
			return context.Cause(ctx)
		})
		if err != nil {
			t.Error(err)
		}
	})
	t.Run("release", func(t *testing.T) {
		t.Parallel()
		f, l, proxy := behindProxy(t, timing)
		err := l.Do(t.Context(), "thing", func(context.Context, int64) error {
			proxy.CutReplies(1, redistest.Contains(l.keys("thing").bell))
			return nil
		})
		if err != nil || proxy.Cuts() != 1 {
			t.Errorf("%v after %d lost replies, want nil after 1", err, proxy.Cuts())
		}
		if owner := f.field(t, "owner"); owner != "" {
			t.Errorf("still held by %s", owner)
		}
	})
	t.Run("acquire, then the caller gives up", func(t *testing.T) {
		t.Parallel()
		f, l, proxy := behindProxy(t, timing)
		ctx, cancel := context.WithCancel(t.Context())
		proxy.CutReplies(1, func(request []byte) bool {
			if !redistest.Contains(l.keys("thing").lease)(request) {
				return false
			}
			cancel()
			return true
		})
		err := l.Do(ctx, "thing", func(context.Context, int64) error { return errors.New("ran") })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want the cancellation", err)
		}
		if owner := f.field(t, "owner"); owner != "" {
			t.Errorf("left behind for %s", owner)
		}
	})
}

// A holder whose connections hang trusts its lock no longer than RenewDeadline,
// and what of its calls arrives later is refused.
func TestHalfOpenConnection(t *testing.T) {
	t.Parallel()
	f, l, proxy := behindProxy(t, timing)
	other := f.locker(t)
	took := make(chan error, 1)
	ended := make(chan struct{})
	err := l.Do(t.Context(), "thing", func(ctx context.Context, old int64) error {
		proxy.Freeze()
		frozen := time.Now()
		go func() {
			took <- other.Do(t.Context(), "thing", func(held context.Context, token int64) error {
				if !within(ended, 0) || token <= old {
					t.Errorf("token %d after %d, the first holder's trust ended: %v", token, old, within(ended, 0))
				}
				proxy.Resume()
				select { // the old holder's calls arrive
				case <-held.Done():
				case <-time.After(timing.TTL):
				}
				return context.Cause(held)
			})
		}()
		<-ctx.Done()
		close(ended)
		if trusted := time.Since(frozen); trusted > timing.TTL {
			t.Errorf("trusted for %v, RenewDeadline is %v of TTL %v", trusted, l.cfg.RenewDeadline, timing.TTL)
		}
		if cause := context.Cause(ctx); !errors.Is(cause, drayhorse.ErrLeaseLost) {
			t.Errorf("cause %v, want ErrLeaseLost", cause)
		}
		if err := <-took; err != nil {
			t.Errorf("the new holder: %v", err)
		}
		return nil
	})
	if !errors.Is(err, drayhorse.ErrLeaseLost) {
		t.Errorf("got %v, want ErrLeaseLost", err)
	}
}

func TestRedisAway(t *testing.T) {
	t.Parallel()
	_, l, proxy := behindProxy(t, timing)
	proxy.Refuse()
	proxy.CloseAll()
	start := time.Now()
	fn := func(context.Context, int64) error { return nil }
	if err := l.Try(t.Context(), "thing", fn); !errors.Is(err, drayhorse.ErrUnavailable) || time.Since(start) > redistest.Stretch*unavailable {
		t.Errorf("Try: %v after %v, want ErrUnavailable within %v", err, time.Since(start), unavailable)
	}
	done := make(chan error, 1)
	go func() { done <- l.Do(t.Context(), "thing", fn) }()
	proxy.Resume()
	if err := <-done; err != nil {
		t.Errorf("Do, once redis is back: %v", err)
	}
}

// Waiters learn of a release by the bell, not at their next look. A bell may be missed
// where Redis does not answer an ear for a second or two, but not time and again.
func TestBell(t *testing.T) {
	t.Parallel()
	f := at(t, redistest.Start(t).URL)
	f.cfg.Timing = lasting
	const rounds = 5
	for i := range rounds {
		l, heir := f.locker(t), f.locker(t)
		var released time.Time
		got := make(chan error, 1)
		err := l.Do(t.Context(), "thing", func(context.Context, int64) error {
			go func() {
				got <- heir.Do(t.Context(), "thing", func(context.Context, int64) error { return nil })
			}()
			f.awaitEar(t)
			released = time.Now()
			return nil
		})
		if err := errors.Join(err, <-got); err != nil {
			t.Fatal(err)
		}
		took := time.Since(released)
		t.Logf("round %d: the lock changed hands in %v", i, took)
		if took < lasting.RetryPeriod/2 {
			return
		}
	}
	t.Errorf("the bell was not heard in %d rounds", rounds)
}

// A bell that is heard by somebody who has given up reaches the next.
func TestBellIsPassedOn(t *testing.T) {
	t.Parallel()
	f := at(t, redistest.Start(t).URL)
	l := f.locker(t)
	ctx, cancel := context.WithCancel(t.Context())
	bell := l.keys("thing").bell
	l.listen(ctx, bell)
	f.awaitEar(t)
	cancel()
	if err := f.client.LPush(t.Context(), bell, "1").Err(); err != nil {
		t.Fatal(err)
	}
	l.Wait()
	ttl, err := f.client.PTTL(t.Context(), bell).Result() // the bell of the test has none
	if ttl <= 0 || err != nil {
		t.Errorf("the bell was not rung again: PTTL %v, %v", ttl, err)
	}
}

// awaitEar waits until somebody listens for a bell. The server is the test's own.
func (f *fixture) awaitEar(t *testing.T) {
	t.Helper()
	redistest.Eventually(t, patience, "a blocked BRPOP", func() bool {
		clients, err := f.client.ClientList(t.Context()).Result()
		return err == nil && strings.Contains(clients, "flags=b")
	})
}
