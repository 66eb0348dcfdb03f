package lock

import (
	"context"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

func TestMain(m *testing.M) {
	if os.Getenv(childURL) != "" {
		child()
		return
	}
	flag.Parse()
	if err := flag.Set("test.parallel", "16"); err != nil { // the tests wait for leases to end, and compute little
		panic(err)
	}
	redistest.Main(m)
}

// patience is how long a test waits for what must happen some time.
const patience = 20 * time.Second

var (
	// timing is the one of the tests, the usual one: a living holder survives a busy
	// machine.
	timing = Timing{}.withDefaults()
	// lasting is one under which what a bell brings and what a look finds are far
	// apart.
	lasting = Timing{TTL: time.Hour, RetryPeriod: 20 * time.Second}
)

// patient is a context for what must end by itself.
func patient(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), redistest.Stretch*patience)
	t.Cleanup(cancel)
	return ctx
}

// fixture is one lock, "thing", in a namespace of the test's own.
type fixture struct {
	url    string
	client *redis.Client
	cfg    Config
}

func setup(t *testing.T) *fixture {
	t.Helper()
	return at(t, redistest.Shared(t))
}

func at(t *testing.T, url string) *fixture {
	t.Helper()
	return &fixture{url: url, client: open(t, url), cfg: Config{Namespace: redistest.Namespace(t), Timing: timing}}
}

func open(t *testing.T, url string) *redis.Client {
	t.Helper()
	client, err := redis.Open(redis.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}

func (f *fixture) locker(t *testing.T) *Locker {
	t.Helper()
	return f.lockerOn(t, f.client)
}

func (f *fixture) lockerOn(t *testing.T, client *redis.Client) *Locker {
	t.Helper()
	l, err := New(client, f.cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Wait)
	return l
}

// field reads the lease as it is in Redis.
func (f *fixture) field(t *testing.T, name string) string {
	t.Helper()
	l := Locker{cfg: f.cfg.withDefaults()}
	value, err := f.client.HGet(t.Context(), l.keys("thing").lease, name).Result()
	if err != nil && !strings.Contains(err.Error(), "nil") {
		t.Fatal(err)
	}
	return value
}

// forget loses the lock's data, as a failover to a replica that lags does.
func (f *fixture) forget(t *testing.T) {
	t.Helper()
	l := Locker{cfg: f.cfg.withDefaults()}
	if err := f.client.Del(t.Context(), l.keys("thing").lease).Err(); err != nil {
		t.Fatal(err)
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	servers := map[string]func(*testing.T) string{
		"single node": func(t *testing.T) string { return redistest.Shared(t) },
		"cluster":     func(t *testing.T) string { return redistest.SharedCluster(t) },
		"embedded":    func(t *testing.T) string { return "redis://" + miniredis.RunT(t).Addr() },
	}
	for name, url := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := at(t, url(t))
			t.Run("exclusive", func(t *testing.T) { exclusive(t, f) })
			t.Run("try", func(t *testing.T) { tryHeld(t, f) })
			t.Run("dead holder", func(t *testing.T) { deadHolder(t, f) })
			t.Run("look", func(t *testing.T) { look(t, f) })
		})
	}
}

// exclusive lets many goroutines of two lockers add to an unguarded slice.
func exclusive(t *testing.T, f *fixture) {
	ctx := patient(t)
	const each = 10
	var tokens []int64
	failed := make(chan error)
	lockers := []*Locker{f.locker(t), f.locker(t)}
	for i := range 2 * each {
		go func() {
			failed <- lockers[i%2].Do(ctx, "thing", func(_ context.Context, token int64) error {
				tokens = append(tokens, token)
				return nil
			})
		}()
	}
	for range 2 * each {
		if err := <-failed; err != nil {
			t.Fatal(err)
		}
	}
	if len(tokens) != 2*each {
		t.Errorf("%d of %d had the lock", len(tokens), 2*each)
	}
	for i := 1; i < len(tokens); i++ {
		if tokens[i] <= tokens[i-1] {
			t.Errorf("token %d follows %d", tokens[i], tokens[i-1])
		}
	}
}

// try is Try of "thing" as long as a busy machine makes Redis look away.
func try(ctx context.Context, l *Locker, fn func(context.Context, int64) error) error {
	for {
		if err := l.Try(ctx, "thing", fn); !errors.Is(err, drayhorse.ErrUnavailable) || ctx.Err() != nil {
			return err
		}
	}
}

func tryHeld(t *testing.T, f *fixture) {
	ctx := patient(t)
	l, other := f.locker(t), f.locker(t)
	err := l.Do(ctx, "thing", func(context.Context, int64) error {
		err := try(ctx, other, func(context.Context, int64) error { return errors.New("ran") })
		if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), l.cfg.Identity) {
			t.Errorf("Try on a held lock: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := errors.New("the function's own")
	if err := try(ctx, other, func(context.Context, int64) error { return want }); !errors.Is(err, want) {
		t.Errorf("Try on a free lock: %v, want %v", err, want)
	}
}

func deadHolder(t *testing.T, f *fixture) {
	ctx := patient(t)
	dead := f.locker(t).newHold("thing")
	if _, err := dead.acquire(t.Context(), mark{}); err != nil {
		t.Fatal(err)
	}
	died := time.Now()
	err := f.locker(t).Do(ctx, "thing", func(_ context.Context, token int64) error {
		took := time.Since(died)
		if token <= dead.token || took < timing.TTL || took > redistest.Stretch*timing.TTL {
			t.Errorf("token %d after %d, %v after the holder died; want TTL %v and little more", token, dead.token, took, timing.TTL)
		}
		t.Logf("%v after the holder died", took)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func look(t *testing.T, f *fixture) {
	ctx := patient(t)
	l := f.locker(t)
	before := time.Now().Add(-time.Second)
	err := l.Do(ctx, "thing", func(_ context.Context, token int64) error {
		holder, err := l.Look(ctx, "thing")
		if holder.Token != token || holder.Identity != l.cfg.Identity || holder.Since.Before(before) {
			t.Errorf("while held: %+v, %v", holder, err)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if holder, err := l.Look(ctx, "thing"); holder != (Holder{}) || err != nil {
		t.Errorf("while free: %+v, %v", holder, err)
	}
}

func TestNameIsValidated(t *testing.T) {
	t.Parallel()
	l := setup(t).locker(t)
	fn := func(context.Context, int64) error { return nil }
	_, lookErr := l.Look(t.Context(), "")
	for _, err := range []error{l.Do(t.Context(), "a b", fn), l.Try(t.Context(), "}", fn), lookErr} {
		if !errors.Is(err, drayhorse.ErrInvalid) {
			t.Errorf("got %v, want ErrInvalid", err)
		}
	}
}

// A Try after a crash must not see the dead holder for ever, and must not believe
// a clock that jumped.
func TestTryWatchesASilentHolder(t *testing.T) {
	t.Parallel()
	ctx := patient(t)
	f := setup(t)
	dead := f.locker(t).newHold("thing")
	if _, err := dead.acquire(t.Context(), mark{}); err != nil {
		t.Fatal(err)
	}
	fn := func(context.Context, int64) error { return nil }
	if err := try(ctx, f.locker(t), fn); !errors.Is(err, ErrLocked) {
		t.Errorf("the holder was just heard of: %v, want ErrLocked", err)
	}
	redistest.Eventually(t, patience, "a lock taken from the dead", func() bool {
		err := try(ctx, f.locker(t), fn)
		if err != nil && !errors.Is(err, ErrLocked) {
			t.Fatal(err)
		}
		return err == nil
	})
}

func TestTryOnALivingHolderThatLooksOld(t *testing.T) {
	t.Parallel()
	for name, renewed := range map[string]string{"clock jumped ahead": "1", "clock jumped back": "99999999999999"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := setup(t)
			l := f.locker(t)
			err := l.Do(patient(t), "thing", func(ctx context.Context, _ int64) error {
				if err := f.client.HSet(ctx, l.keys("thing").lease, "renewed_ms", renewed).Err(); err != nil {
					return err
				}
				err := try(ctx, f.locker(t), func(context.Context, int64) error { return nil })
				if !errors.Is(err, ErrLocked) {
					t.Errorf("got %v, want ErrLocked", err)
				}
				return ctx.Err()
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWaitingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.cfg.Timing = lasting
	l := f.locker(t)
	err := l.Do(t.Context(), "thing", func(ctx context.Context, _ int64) error {
		waiting, cancel := context.WithCancel(ctx)
		defer cancel()
		waiter := f.locker(t)
		run := waiter.run
		var refused time.Time
		waiter.run = func(ctx context.Context, call redis.Call) (any, error) {
			defer func() { refused = time.Now(); cancel() }() // it knows who has the lock
			return run(ctx, call)
		}
		err := waiter.Do(waiting, "thing", func(context.Context, int64) error { return nil })
		if took := time.Since(refused); took > lasting.RetryPeriod/2 {
			t.Errorf("returned after %v", took)
		}
		if !errors.Is(err, context.Canceled) || !errors.Is(err, ErrLocked) {
			t.Errorf("got %v, want the end of the context and who has the lock", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
