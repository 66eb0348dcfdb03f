package jobs

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// TestQueuesAreFoundWithoutTheRegistry: while the node of a Cluster that has the registry
// stands still, a process that starts finds the queues on the others, with as many
// partitions as they have.
func TestQueuesAreFoundWithoutTheRegistry(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t, 3, 0, redistest.WithConfig("cluster-require-full-coverage no"))
	namespace := redistest.Namespace(t)
	engine := func() *Engine {
		client, err := redis.Open(redis.Config{URL: c.URL})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = client.Close() })
		return New(client, namespace)
	}
	nodeOf := func(key string) int {
		slot, err := c.Client(t).ClusterKeySlot(t.Context(), key).Result()
		if err != nil {
			t.Fatal(err)
		}
		return int(slot) * len(c.Nodes) / 16384
	}
	first := engine()
	registry := nodeOf(first.registryKey())
	var apart []string // queues on other nodes
	for i := 0; len(apart) < 2; i++ {
		if name := fmt.Sprint("q", i); nodeOf(name) != registry {
			apart = append(apart, name)
		}
	}
	for i, name := range apart {
		if _, err := first.CreateQueue(t.Context(), name, 1+i); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := first.KeepSome(t.Context()); err != nil {
		t.Fatal(err)
	}

	c.Nodes[registry].Pause()
	defer c.Nodes[registry].Resume()
	// Each time by an engine that knows nothing, until a busy machine has answered in time.
	redistest.Eventually(t, time.Minute, "Meet, Queue and Lookup find queues of one partition and of two", func() bool {
		met, metErr := engine().Meet(t.Context(), apart)
		two, queueErr := engine().Queue(t.Context(), apart[1])
		one, lookupErr := engine().Lookup(t.Context(), apart[0])
		if err := errors.Join(metErr, queueErr, lookupErr); err != nil {
			t.Log(err)
			return false
		}
		return len(met[apart[0]]) == 1 && len(met[apart[1]]) == 2 && len(one) == 1 && len(two) == 2
	})
	second := engine()
	if err := second.Check(t.Context()); err != nil {
		t.Errorf("Check = %v; the registry is not needed", err)
	}
	redistest.Eventually(t, time.Minute, "one queue is found beside an unknown one", func() bool {
		met, err := second.Meet(t.Context(), []string{apart[0], "unknown"})
		if !errors.Is(err, drayhorse.ErrUnavailable) {
			t.Fatalf("Meet = %v, %v; want ErrUnavailable for the unknown queue", met, err)
		}
		return len(met) == 1
	})

	c.Nodes[registry].Resume()
	redistest.Eventually(t, time.Minute, "the registry confirms what was found", func() bool {
		changes, err := second.KeepAll(t.Context())
		if len(changes) > 0 {
			t.Fatalf("changes %v", changes)
		}
		return err == nil
	})
}
