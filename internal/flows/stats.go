package flows

import (
	"context"
	"time"

	"github.com/drayhorse/drayhorse/internal/redis"
)

// overdueFor is after how long a flow counts as overdue that nobody has looked at when its time had come: workers look every
// two seconds.
const overdueFor = 30 * time.Second

// Stats are counts of the flows of a namespace.
type Stats struct {
	Living  int64 // that have not ended
	Ops     int64 // on their way to partitions
	Overdue int64 // whose time has come, and nobody looks at them
	// How many have ended so since there are flows; one that was retried counts each time.
	Completed, Failed, Cancelled int64
}

// Stats counts flows, at a cost that does not grow with them. The error is drayhorse.ErrUnavailable.
func (s *Store) Stats(ctx context.Context) (*Stats, error) {
	calls := make([]redis.Call, Shards)
	for i := range s.shards {
		calls[i] = s.shards[i].call(statsScript, overdueFor.Milliseconds())
	}
	all := &Stats{}
	for _, reply := range s.client.RunAll(ctx, calls) {
		if reply.Err != nil {
			return nil, failure(statsScript, reply.Err)
		}
		list := redis.AsList(reply.Value)
		if len(list) != 6 {
			return nil, unexpected(statsScript, reply.Value)
		}
		n := func(i int) int64 { return redis.AsInt(list[i]) }
		all.Add(&Stats{n(0), n(1), n(2), n(3), n(4), n(5)})
	}
	return all, nil
}

// Add adds other counts.
func (s *Stats) Add(other *Stats) {
	s.Living += other.Living
	s.Ops += other.Ops
	s.Overdue += other.Overdue
	s.Completed += other.Completed
	s.Failed += other.Failed
	s.Cancelled += other.Cancelled
}
