package limits

import (
	"fmt"
	"testing"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// BenchmarkBalance measures one call in which partitions tell what they have of a limit, with the round trip, where nothing
// is to change.
func BenchmarkBalance(b *testing.B) {
	for _, n := range []int{3, 30, MaxPartitions} {
		b.Run(fmt.Sprintf("partitions=%d", n), func(b *testing.B) {
			l, seen := sharedBy(b, n)
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

// sharedBy makes a limit "l" on a real server that so many partitions share, and gives what they have of it.
func sharedBy(tb testing.TB, n int) (*Limits, []told) {
	tb.Helper()
	namespace := redistest.Namespace(tb)
	engine := jobs.New(open(tb, redistest.Shared(tb)), namespace)
	partitions, err := engine.CreateQueue(tb.Context(), "q", n)
	if err != nil {
		tb.Fatal(err)
	}
	l := New(engine, namespace)
	if _, err := l.Set(tb.Context(), &drayhorse.Limit{Name: "l", Queue: "q", Concurrency: 1000}, true, "", ""); err != nil {
		tb.Fatal(err)
	}
	return l, l.ask(tb.Context(), "l", partitions)
}
