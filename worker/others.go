package worker

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
)

const (
	// othersEvery is how often a worker sweeps queues that it does not serve.
	othersEvery = time.Minute
	// othersAtOnce is how many partitions of them it sweeps then: more take several times.
	othersAtOnce = 50
	// othersGrace is what it leaves to the workers that do serve them, which sweep once in
	// idleSweepEvery: they are to know what they have discarded.
	othersGrace = 2 * idleSweepEvery
)

// sweepsOthers sweeps queues that this worker does not serve, in turn: there may be no
// worker for them, and their jobs are to expire all the same.
func (s *session) sweepsOthers(ctx context.Context) {
	timer := time.NewTimer(rand.N(sweepEvery)) //nolint:gosec // not a secret
	defer timer.Stop()
	for next := rand.Int(); ; next += othersAtOnce { //nolint:gosec // not a secret
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		others, err := s.others(ctx)
		if err != nil {
			s.log.DebugContext(ctx, "other queues cannot be listed", slog.String(logs.Error, err.Error()))
		}
		for i := range min(len(others), othersAtOnce) {
			p := others[(next%len(others)+i)%len(others)]
			if _, err := p.SweepAfter(ctx, othersGrace, func(ids []string) { s.discards.note(p, ids...) }); err != nil {
				s.log.DebugContext(ctx, "sweep failed", slog.String(logs.Queue, p.String()), slog.String(logs.Error, err.Error()))
			}
			if s.relay.isUsed() {
				s.relay.note(p)
			}
		}
		timer.Reset(othersEvery)
	}
}

// others gives the partitions of the queues that this worker does not serve.
func (s *session) others(ctx context.Context) (others []*jobs.Partition, err error) {
	queues, _, err := s.engine.List(ctx)
	for _, partitions := range queues {
		if _, served := s.cfg.Queues[partitions[0].Queue]; !served {
			others = append(others, partitions...)
		}
	}
	return others, err
}
