package lock_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/lock"
)

func TestMain(m *testing.M) { redistest.Main(m) }

func setup(t *testing.T) *lock.Locker {
	t.Helper()
	l, err := lock.New(lock.Config{RedisURL: redistest.Shared(t), Namespace: redistest.Namespace(t), Identity: "tester"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func TestDo(t *testing.T) {
	t.Parallel()
	l := setup(t)
	var first int64
	err := l.Do(t.Context(), "report", func(ctx context.Context, token int64) error {
		first = token
		err := l.TryDo(ctx, "report", func(context.Context, int64) error { return nil })
		if !errors.Is(err, lock.ErrLocked) || !strings.Contains(err.Error(), "lock report: locked by tester since ") {
			t.Errorf("TryDo on a held lock: %v", err)
		}
		return l.Do(ctx, "another", func(context.Context, int64) error { return nil })
	})
	if err != nil {
		t.Error(err)
	}
	want := errors.New("failed")
	err = l.TryDo(t.Context(), "report", func(_ context.Context, token int64) error {
		if token <= first {
			t.Errorf("token %d after %d", token, first)
		}
		return want
	})
	if !errors.Is(err, want) {
		t.Errorf("got %v, want the function's own error", err)
	}
}

func TestClientOfTheApplication(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	client := server.Client(t)
	l, err := lock.New(lock.Config{Redis: client})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Do(t.Context(), "report", func(context.Context, int64) error { return nil }); err != nil {
		t.Error(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if keys, err := client.Keys(t.Context(), "*").Result(); err != nil || !strings.HasPrefix(strings.Join(keys, " "), "drayhorse:{lock@report}:") {
		t.Errorf("keys %q, %v; want those of the default namespace, by a client still open", keys, err)
	}
}

func TestNewValidates(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]lock.Config{
		"url":       {RedisURL: "ftp://127.0.0.1"},
		"namespace": {Namespace: "a b"},
		"timing":    {TTL: time.Second, RenewDeadline: time.Second},
	} {
		if _, err := lock.New(cfg); !errors.Is(err, drayhorse.ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", name, err)
		}
	}
}

func TestName(t *testing.T) {
	t.Parallel()
	l := setup(t)
	if err := l.Do(t.Context(), "no spaces", func(context.Context, int64) error { return nil }); !errors.Is(err, drayhorse.ErrInvalid) {
		t.Errorf("got %v, want ErrInvalid", err)
	}
}
