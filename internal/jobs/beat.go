package jobs

import (
	"context"
	"slices"

	"github.com/drayhorse/drayhorse/internal/redis"
)

// Beat renews a lease between turns. It gives the stored IDs of running jobs that
// are to be cancelled, of this lease or others. The error is
// drayhorse.ErrLeaseLost when the lease is condemned.
func (e *Engine) Beat(ctx context.Context, leases ...*Lease) []BeatReply {
	calls := make([]redis.Call, len(leases))
	for i, l := range leases {
		calls[i] = beatScript.call(l.Partition, l.Name, l.epoch)
	}
	replies := make([]BeatReply, len(leases))
	for i, reply := range e.client.RunAll(ctx, calls) {
		replies[i].Err = failure("beat", reply.Err)
		if fields := asList(reply.Value); len(fields) == 2 {
			replies[i].Cancels = asStrings(fields[1])
		}
	}
	return replies
}

// BeatReply is what the beat of one lease came to.
type BeatReply struct {
	Cancels []string
	Err     error
}

// maxLeave is how many leases leave in one round trip.
const maxLeave = 250

// Leave drops leases that hold nothing. Their names are used up. Observers condemn
// one that Redis did not hear of, and find nothing.
func (e *Engine) Leave(ctx context.Context, leases ...*Lease) error {
	for some := range slices.Chunk(leases, maxLeave) {
		calls := make([]redis.Call, len(some))
		for i, l := range some {
			calls[i] = leaveScript.call(l.Partition, l.Name, l.epoch, l.seq)
		}
		for _, reply := range e.client.RunAll(ctx, calls) {
			if err := failure("leave", reply.Err); err != nil {
				return err
			}
		}
	}
	return nil
}
