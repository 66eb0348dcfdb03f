package lock

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// held is a hold of a lock whose calls are answered by redis, without a server.
func held(t *testing.T, timing Timing, answer func(context.Context, redis.Call) (any, error)) *hold {
	t.Helper()
	l, err := New(nil, Config{Timing: timing})
	if err != nil {
		t.Fatal(err)
	}
	l.run = answer
	h := l.newHold("thing")
	h.token, h.renewed = 1, time.Now()
	return h
}

func TestTrustEnds(t *testing.T) {
	t.Parallel()
	timing := Timing{TTL: 15 * time.Second, RenewDeadline: 10 * time.Second, RetryPeriod: 2 * time.Second}
	lost := &net.OpError{Op: "read", Err: errors.New("connection reset")}
	tests := []struct {
		name   string
		answer func(start time.Time) func(context.Context, redis.Call) (any, error)
		lo, hi time.Duration // when the context ends
	}{
		{"redis hangs", func(time.Time) func(context.Context, redis.Call) (any, error) {
			return func(ctx context.Context, _ redis.Call) (any, error) { <-ctx.Done(); return nil, ctx.Err() }
		}, 10 * time.Second, 10 * time.Second},
		{"redis is gone", func(time.Time) func(context.Context, redis.Call) (any, error) {
			return func(context.Context, redis.Call) (any, error) { return nil, lost }
		}, 10 * time.Second, 10 * time.Second},
		{"redis is gone after 30 s", func(start time.Time) func(context.Context, redis.Call) (any, error) {
			return func(context.Context, redis.Call) (any, error) {
				if time.Since(start) > 30*time.Second {
					return nil, lost
				}
				return "OK", nil
			}
		}, 37 * time.Second, 40 * time.Second},
		// The answer comes late: its start counts, not its end.
		{"answers take 1.5 s and then stop", func(start time.Time) func(context.Context, redis.Call) (any, error) {
			return func(context.Context, redis.Call) (any, error) {
				if time.Since(start) > 3*time.Second {
					return nil, lost
				}
				time.Sleep(1500 * time.Millisecond)
				return "OK", nil
			}
		}, 12 * time.Second, 12400 * time.Millisecond},
		{"another has the lock", func(time.Time) func(context.Context, redis.Call) (any, error) {
			return func(context.Context, redis.Call) (any, error) { return nil, leaseLost{} }
		}, 2 * time.Second, 2400 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				h := held(t, timing, tt.answer(start))
				err := h.during(t.Context(), func(ctx context.Context, _ int64) error {
					<-ctx.Done()
					if cause := context.Cause(ctx); !errors.Is(cause, drayhorse.ErrLeaseLost) {
						t.Errorf("cause %v, want ErrLeaseLost", cause)
					}
					if took := time.Since(start); took < tt.lo || took > tt.hi {
						t.Errorf("context ended after %v, want %v to %v", took, tt.lo, tt.hi)
					}
					return nil
				})
				if !errors.Is(err, drayhorse.ErrLeaseLost) {
					t.Errorf("got %v, want ErrLeaseLost", err)
				}
			})
		})
	}
}

// leaseLost is the server's word.
type leaseLost struct{}

func (leaseLost) Error() string { return "LEASELOST the lock is held by token 2" }
func (leaseLost) RedisError()   {}

func TestRenewedWhileTheWorkRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var renewals atomic.Int64
		h := held(t, Timing{}, func(ctx context.Context, call redis.Call) (any, error) {
			if call.Script == renewScript {
				renewals.Add(1)
			}
			return "OK", ctx.Err()
		})
		ctx, cancel := context.WithCancel(t.Context())
		err := h.during(ctx, func(held context.Context, _ int64) error {
			time.Sleep(time.Minute)
			if held.Err() != nil {
				t.Errorf("ended: %v", context.Cause(held))
			}
			cancel()
			if cause := context.Cause(held); !errors.Is(cause, context.Canceled) {
				t.Errorf("cause %v, want the caller's", cause)
			}
			before := renewals.Load()
			time.Sleep(time.Minute) // winding up: the lock is still needed
			if after := renewals.Load() - before; after < 50 || after > 60 {
				t.Errorf("%d renewals in the last minute, want one every 1 s to 1.2 s", after)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestReleasedWhenTheWorkPanics(t *testing.T) {
	t.Parallel()
	released := false
	h := held(t, Timing{}, func(_ context.Context, call redis.Call) (any, error) {
		released = released || call.Script == releaseScript
		return "OK", nil
	})
	defer func() {
		if recover() == nil || !released {
			t.Errorf("released = %v", released)
		}
	}()
	_ = h.during(t.Context(), func(context.Context, int64) error { panic("work") })
}
