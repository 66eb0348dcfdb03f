package producer_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/embedded/embeddedtest"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
)

// TestDurableWaitsForReplicas: with a replica the job is confirmed; while the replica
// stands still it is stored and the error says that it is not.
func TestDurableWaitsForReplicas(t *testing.T) {
	t.Parallel()
	primary := redistest.Start(t)
	replica := redistest.Start(t, redistest.WithConfig("replicaof "+strings.Replace(primary.Addr, ":", " ", 1)))
	p := open(t, producer.Config{RedisURL: primary.URL, Durable: 1})
	redistest.Eventually(t, 20*time.Second, "the replica follows", func() bool {
		_, err := p.Enqueue(t.Context(), welcome{UserID: 1})
		return err == nil
	})
	replica.Pause()
	info, err := p.Enqueue(t.Context(), welcome{UserID: 2}, drayhorse.ID("two"))
	var missed *drayhorse.ReplicationError
	if !errors.Is(err, drayhorse.ErrNotReplicated) || !errors.As(err, &missed) || missed.Want != 1 || missed.Confirmed != 0 {
		t.Errorf("err = %v, want that no replica has confirmed", err)
	}
	if info == nil || info.ID != "two" || info.State != drayhorse.Available {
		t.Errorf("info = %+v, want the job that was stored", info)
	}
	quickest := time.Hour
	for range 5 {
		begun := time.Now()
		if _, err := p.Enqueue(t.Context(), welcome{UserID: 3}, drayhorse.Durable(0)); err != nil {
			t.Errorf("without replicas: %v", err)
		}
		quickest = min(quickest, time.Since(begun))
	}
	if quickest > 900*time.Millisecond { // a second is what a replica is waited for
		t.Errorf("without replicas: %v at best", quickest)
	}
	infos, err := p.EnqueueMany(t.Context(), []drayhorse.Spec{
		{Args: welcome{UserID: 4}}, {Args: welcome{UserID: 5}, Options: []drayhorse.Option{drayhorse.Durable(0)}},
	})
	if !errors.Is(err, drayhorse.ErrNotReplicated) || infos[0] == nil || infos[1] == nil {
		t.Errorf("infos = %v, %v, want both and the error", infos, err)
	}
	replica.Resume()
	info, err = p.Enqueue(t.Context(), welcome{UserID: 2}, drayhorse.ID("two"))
	if err != nil || !info.Duplicate {
		t.Errorf("info = %+v, %v, want the duplicate, confirmed", info, err)
	}
}

// TestDurableAnswerLost cuts the reply of a durable call: the repeat waits for what
// the call wrote, and does not take the silence of a new connection for a yes.
func TestDurableAnswerLost(t *testing.T) {
	t.Parallel()
	primary := redistest.Start(t)
	proxy := redistest.NewProxy(t, primary.Addr)
	replica := redistest.Start(t, redistest.WithConfig("replicaof "+strings.Replace(primary.Addr, ":", " ", 1)))
	p := open(t, producer.Config{RedisURL: "redis://" + proxy.Addr, Durable: 1})
	redistest.Eventually(t, 20*time.Second, "the replica follows", func() bool {
		_, err := p.Enqueue(t.Context(), welcome{UserID: 1})
		return err == nil
	})
	replica.Pause()
	proxy.CutReplies(1, redistest.Contains("evalsha"))
	info, err := p.Enqueue(t.Context(), welcome{UserID: 2})
	if !errors.Is(err, drayhorse.ErrNotReplicated) || info == nil {
		t.Errorf("enqueue = %+v, %v, want the job and that no replica has confirmed it", info, err)
	}
	if proxy.Cuts() == 0 {
		t.Error("no reply was cut")
	}
	replica.Resume()
}

// TestDurableOnTheEmbeddedServer: it has no replicas, so that a job is stored, and the
// error says that none has confirmed it; also of the first call.
func TestDurableOnTheEmbeddedServer(t *testing.T) {
	t.Parallel()
	p := open(t, producer.Config{RedisURL: embeddedtest.URL(t), Durable: 1})
	for range 2 {
		info, err := p.Enqueue(t.Context(), welcome{})
		if !errors.Is(err, drayhorse.ErrNotReplicated) || info == nil {
			t.Errorf("enqueue = %+v, %v, want the job and that no replica has confirmed it", info, err)
		}
	}
}
