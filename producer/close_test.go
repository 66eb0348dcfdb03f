package producer_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
)

// begun says when a call has begun.
type begun chan struct{}

func (b begun) Enqueue(context.Context, drayhorse.Batch) (drayhorse.Trace, func([]*drayhorse.Info, error)) {
	b <- struct{}{}
	return drayhorse.Trace{}, func([]*drayhorse.Info, error) {}
}

// TestCloseWaitsForALoneCall, which makes its way to Redis in its caller's goroutine.
func TestCloseWaitsForALoneCall(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	proxy := redistest.NewProxy(t, server.Addr)
	calls := make(begun, 10)
	p := open(t, producer.Config{RedisURL: "redis://" + proxy.Addr, Tracer: calls, Patience: time.Minute})
	enqueueIn(t, p, "default")
	<-calls
	proxy.Freeze()
	answered := make(chan error)
	go func() {
		_, err := p.Enqueue(context.Background(), welcome{})
		answered <- err
	}()
	<-calls
	closed := make(chan error)
	go func() { closed <- p.Close() }()
	redistest.Eventually(t, 30*time.Second, "later calls are refused", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err := p.Get(ctx, "x")
		return errors.Is(err, drayhorse.ErrClosed)
	})
	select {
	case err := <-closed:
		t.Errorf("closed beside a call: %v", err)
	default:
	}
	proxy.Resume()
	if err := <-answered; err != nil {
		t.Errorf("the call: %v", err)
	}
	if err := <-closed; err != nil {
		t.Errorf("close: %v", err)
	}
	for name, call := range map[string]func() error{
		"enqueue": func() error { _, err := p.Enqueue(t.Context(), welcome{}); return err },
		"enqueue many": func() error {
			_, err := p.EnqueueMany(t.Context(), []drayhorse.Spec{{Args: welcome{}}})
			return err
		},
		"get": func() error { _, err := p.Get(t.Context(), "x"); return err }, "cancel": func() error { return p.Cancel(t.Context(), "x") },
		"retry": func() error { return p.Retry(t.Context(), "x") },
	} {
		if err := call(); !errors.Is(err, drayhorse.ErrClosed) {
			t.Errorf("%s after close: %v, want ErrClosed", name, err)
		}
	}
}

// TestCloseBesideCalls: each is stored, or refused as closed.
func TestCloseBesideCalls(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	for range 10 {
		p := open(t, producer.Config{RedisURL: server.URL})
		before := server.Client(t).HLen(t.Context(), "drayhorse:{default}:jobs").Val()
		var stored atomic.Int64
		var callers sync.WaitGroup
		for range 16 {
			callers.Go(func() {
				for {
					_, err := p.Enqueue(context.Background(), welcome{})
					if errors.Is(err, drayhorse.ErrClosed) {
						return
					}
					if err != nil {
						t.Errorf("beside close: %v", err)
						return
					}
					stored.Add(1)
				}
			})
		}
		redistest.Eventually(t, 30*time.Second, "calls", func() bool { return stored.Load() > 50 })
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		callers.Wait()
		after := server.Client(t).HLen(t.Context(), "drayhorse:{default}:jobs").Val()
		if got := after - max(before, 1); got != stored.Load() { // 1: the filler of the hash
			t.Errorf("%d jobs are there, %d were acknowledged", got, stored.Load())
		}
	}
}
