package jobs

import (
	"context"

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

// Leave drops a lease that holds nothing. Its name is used up.
func (l *Lease) Leave(ctx context.Context) error {
	_, err := l.Partition.run(ctx, leaveScript, l.Name, l.epoch, l.seq)
	return err
}
