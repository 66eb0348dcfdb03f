package limits

import (
	"fmt"
	"testing"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// BenchmarkBalance measures one call in which partitions tell what they have of a limit, with the round trip, where nothing
// is to change.
func BenchmarkBalance(b *testing.B) {
	for _, n := range []int{3, 30, MaxPartitions} {
		b.Run(fmt.Sprintf("partitions=%d", n), func(b *testing.B) {
			client, err := redis.Open(redis.Config{URL: redistest.Shared(b)})
			if err != nil {
				b.Fatal(err)
			}
			defer client.Close() //nolint:errcheck // ends the connections
			namespace := redistest.Namespace(b)
			engine := jobs.New(client, namespace)
			partitions, err := engine.CreateQueue(b.Context(), "q", n)
			if err != nil {
				b.Fatal(err)
			}
			l := New(engine, namespace)
			if _, err := l.Set(b.Context(), &drayhorse.Limit{Name: "l", Queue: "q", Concurrency: 1000}, true, "", ""); err != nil {
				b.Fatal(err)
			}
			seen := l.ask(b.Context(), "l", partitions)
			for i := range seen {
				seen[i].Waiting, seen[i].served = 100, false // as an answer, which need not wait
			}
			for b.Loop() {
				if _, err := l.plan(b.Context(), "l", seen); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
