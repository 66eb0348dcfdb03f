package producer_test

import (
	"errors"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
)

func TestQueuesAreCreatedUpToALimit(t *testing.T) {
	t.Parallel()
	p := open(t, producer.Config{RedisURL: redistest.Shared(t), Namespace: redistest.Namespace(t), MaxQueues: 3})
	for i := range 5 {
		_, err := p.Enqueue(t.Context(), welcome{}, drayhorse.Queue("q"+strconv.Itoa(i)))
		if i < 3 != (err == nil) || err != nil && (!errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(err.Error(), "max_queues is 3")) {
			t.Errorf("queue %d: %v", i, err)
		}
	}
	if _, err := p.Enqueue(t.Context(), welcome{}, drayhorse.Queue("q1")); err != nil {
		t.Errorf("a queue that exists: %v", err)
	}
}

// TestManyQueuesTakeLittleMemory is not parallel: it counts what the process keeps.
func TestManyQueuesTakeLittleMemory(t *testing.T) {
	p := open(t, producer.Config{RedisURL: redistest.Shared(t), Namespace: redistest.Namespace(t)})
	used := func(from, to int) float64 {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := from; i < to; i++ {
			if _, err := p.Enqueue(t.Context(), welcome{}, drayhorse.Queue("q"+strconv.Itoa(i))); err != nil {
				t.Fatal(err)
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		return float64(after.HeapAlloc) - float64(before.HeapAlloc)
	}
	first := used(0, 1000)
	more := used(1000, 3000) / 2
	t.Logf("1,000 queues take %.0f KB, each 1,000 beyond them %.0f KB", first/1000, more/1000)
	if more > first*9/10 {
		t.Error("queues beyond the first 1,000 take as much as those")
	}
}

func TestACancelSaysThatAJobHasEnded(t *testing.T) {
	p := setup(t)
	info, err := p.Enqueue(t.Context(), welcome{})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Cancel(t.Context(), info.ID); err != nil {
		t.Fatal(err)
	}
	if err := p.Cancel(t.Context(), info.ID); !errors.Is(err, drayhorse.ErrEnded) || !errors.Is(err, drayhorse.ErrNotFound) || !strings.Contains(err.Error(), "cancelled") {
		t.Errorf("%v; want ErrEnded", err)
	}
	if err := p.Cancel(t.Context(), "nobody"); errors.Is(err, drayhorse.ErrEnded) || !errors.Is(err, drayhorse.ErrNotFound) {
		t.Errorf("%v; want ErrNotFound alone", err)
	}
}
