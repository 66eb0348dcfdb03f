package events

import (
	"strings"
	"testing"
)

// TestTheLatest are those that one who comes late looks at first.
func TestTheLatest(t *testing.T) {
	conform(t, func(r *rig) {
		latest := func(n int) string {
			all, err := r.hub.Latest(r.Context(), n)
			if err != nil {
				r.Fatal(err)
			}
			return jobs(all)
		}
		if got := latest(10); got != "" {
			r.Errorf("got %s", got)
		}
		r.append(0, 1) // since somebody has looked
		for i := 1; i < 9; i++ {
			r.append(i, 1)
		}
		for n, want := range map[int]string{3: "6 7 8", 9: "0 1 2 3 4 5 6 7 8", 100: "0 1 2 3 4 5 6 7 8"} {
			if got := latest(n); got != want {
				r.Errorf("the last %d: %s", n, got)
			}
		}
		text := strings.Repeat("x", MaxError)
		for range 20 { // more than a call reads
			some := make([]Event, 100)
			for i := range some {
				some[i] = Event{Type: Failed, JobID: "long", Error: text}
			}
			if _, err := r.Append(r.Context(), "w", 0, some); err != nil {
				r.Fatal(err)
			}
		}
		if got := strings.Count(latest(2000), "long"); got != 2000 {
			r.Errorf("got %d", got)
		}
	})
}
