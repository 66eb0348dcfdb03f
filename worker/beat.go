package worker

import (
	"context"
	"log/slog"
	"time"

	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
)

// beats renews the leases of one node under which jobs are held, where no turn has done
// so lately, and learns of cancels. A node that does not answer delays no other.
func (n *node) beats(ctx context.Context) {
	ticker := time.NewTicker(jobs.BeatEvery / 2)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			n.beat(ctx)
		}
	}
}

func (n *node) beat(ctx context.Context) {
	asked := time.Now()
	var due []*lease
	var leases []*jobs.Lease
	for _, l := range n.leases() {
		if l.isBusy() && asked.Sub(l.lastRenewed()) >= jobs.BeatEvery/2 {
			due, leases = append(due, l), append(leases, l.Lease)
		}
	}
	if len(leases) == 0 {
		return
	}
	for i, reply := range n.engine.Beat(ctx, leases...) {
		switch {
		case reply.Err == nil:
			due[i].renew(asked)
			due[i].cancel(reply.Cancels)
		case isLost(reply.Err):
			due[i].distrust() // the fetcher drops it with its next turn
		default:
			n.log.DebugContext(ctx, "beat failed", slog.String(logs.Error, reply.Err.Error()))
		}
	}
}
