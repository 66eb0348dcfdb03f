package jobs

import (
	"fmt"
	"slices"
	"testing"
)

// TestNamesAreThoseOfAllQueues: where more than one call reads them, without the row that
// says when a queue was last deleted, and with one that cannot be read.
func TestNamesAreThoseOfAllQueues(t *testing.T) {
	conform(t, func(r *rig) {
		want, rows := []string{"odd", "q"}, []any{"", "1", "odd", "many"}
		for i := range 2 * namesAtOnce {
			want = append(want, fmt.Sprintf("n%d", i))
			rows = append(rows, fmt.Sprintf("n%d", i), "1")
		}
		slices.Sort(want)
		key := r.registryKey()
		r.must(r.client.HSet(r.ctx, key, rows...).Err())
		got, err := r.Names(r.ctx)
		r.must(r.client.HDel(r.ctx, key, append([]string{"", "odd"}, want...)...).Err())
		r.must(r.client.HSet(r.ctx, key, "q", len(r.parts)).Err())
		if err != nil || !slices.Equal(got, want) {
			r.t.Errorf("got %d names, %v; want %d", len(got), err, len(want))
		}
	})
}
