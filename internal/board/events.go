package board

import (
	"time"

	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/figures"
)

// Missed says, in words, what an event of type missed stands for.
func Missed(e *admin.Event) string {
	switch {
	case !e.Since.IsZero():
		return "nobody has listened since " + e.Since.UTC().Format(time.RFC3339) + ", so nothing is known until " + e.At.UTC().Format(time.RFC3339)
	case e.Count == 0:
		return "events are missing, nobody knows how many: Redis has lost them, or nobody has listened for an hour"
	}
	return figures.Plural(e.Count, "event") + " left out"
}
