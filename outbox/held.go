package outbox

import (
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/drayhorse/drayhorse/internal/logs"
	redisconn "github.com/drayhorse/drayhorse/internal/redis"
)

// maxHeld is how many queues a read leaves out. If more cannot be written, some of them
// are tried in vain.
const maxHeld = 100

// forgetAfter is when a queue that could have been tried, and was not, has no rows.
const forgetAfter = time.Minute

// held are the queues that Redis does not take at the moment. Their rows stay in the
// table, and those of others go on.
type held struct {
	log    *slog.Logger
	queues map[string]*heldQueue
}

type heldQueue struct {
	until   time.Time
	backoff redisconn.Backoff
	outage
}

// note takes in what became of rows.
func (h *held) note(out *outcome) {
	for _, one := range out.done {
		if q := h.queues[one.queue]; q != nil && out.failed[one.queue] == nil {
			q.over()
			delete(h.queues, one.queue)
		}
	}
	for queue, err := range out.failed {
		q := h.queues[queue]
		if q == nil {
			q = &heldQueue{
				backoff: redisconn.NewBackoff(firstWait, lastWait),
				outage:  outage{log: h.log.With(logs.Queue, queue), message: "the outbox waits for redis"},
			}
			if h.queues == nil {
				h.queues = map[string]*heldQueue{}
			}
			h.queues[queue] = q
		}
		q.until = time.Now().Add(q.backoff.Next())
		q.failed(err)
	}
}

// names are the queues that a read is to leave out, those that wait longest first.
func (h *held) names() []string {
	now := time.Now()
	maps.DeleteFunc(h.queues, func(_ string, q *heldQueue) bool { return now.Sub(q.until) > forgetAfter }) // it has no rows any more
	names := slices.DeleteFunc(slices.Collect(maps.Keys(h.queues)), func(name string) bool { return !h.queues[name].until.After(now) })
	slices.SortFunc(names, func(a, b string) int { return h.queues[b].until.Compare(h.queues[a].until) })
	return names[:min(len(names), maxHeld)]
}

// soonest is when the next one of the queues that wait is to be tried.
func (h *held) soonest() (at time.Time, some bool) {
	now := time.Now()
	for _, q := range h.queues {
		if q.until.After(now) && (!some || q.until.Before(at)) {
			at, some = q.until, true
		}
	}
	return at, some
}
