package worker

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
)

const (
	// sweepEvery is how often a worker removes what need not be kept any longer,
	// idleSweepEvery how often where the last time there was nothing.
	sweepEvery     = 15 * time.Second
	idleSweepEvery = time.Minute
)

// observe looks at the sources of a node every second, or two while they are idle: for
// jobs whose bell was lost, and for leases whose workers died.
func (n *node) observe(ctx context.Context) {
	watch := jobs.NewWatch()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		begun := time.Now()
		next := jobs.LookEvery
		idle, shares := n.look(ctx, watch)
		if idle {
			next = jobs.IdleLookEvery
		}
		n.follow(ctx, shares)
		n.noteGroups(ctx)
		timer.Reset(time.Until(begun.Add(next)))
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
	}
}

// look looks at all sources of the node once and says whether they are idle, and which shares of limits they have or
// need.
func (n *node) look(ctx context.Context, watch *jobs.Watch) (idle bool, shares []jobs.Share) {
	sources := n.supply.on(n.addr)
	if len(sources) == 0 {
		return true, nil
	}
	asked := time.Now()
	seen := n.engine.Observe(ctx, partitions(sources)...)
	now := time.Now()
	n.noteAnswers(ctx, seen)
	n.onLook() // a fetcher may have to take over the wait at the bells
	for i, s := range sources {
		s.unreachable.Store(errors.Is(seen[i].Err, drayhorse.ErrUnavailable))
		if seen[i].Err != nil {
			continue
		}
		s.applyObservation(&seen[i])
		for _, share := range seen[i].Shares {
			if share.Matters() {
				shares = append(shares, share)
			}
		}
		if seen[i].News {
			n.relay.note(s.part)
		}
		if seen[i].Paused {
			n.withdraw(s.part.Queue)
		}
		if dead := watch.Look(&seen[i], asked, now); len(dead) > 0 && s.rescuing.CompareAndSwap(false, true) {
			n.loops.Go(func() {
				defer s.rescuing.Store(false)
				n.rescue(ctx, s.part, dead)
			})
		}
	}
	return !slices.ContainsFunc(seen, func(o jobs.Observation) bool { return !o.Idle() }), shares
}

func partitions(sources []*source) []*jobs.Partition {
	parts := make([]*jobs.Partition, len(sources))
	for i, s := range sources {
		parts[i] = s.part
	}
	return parts
}

// noteAnswers takes note of whether the node answers: an idle worker has no turns that
// would tell. Where some partitions answer and some do not, those turns tell more.
func (n *node) noteAnswers(ctx context.Context, seen []jobs.Observation) {
	unanswered := 0
	for i := range seen {
		if errors.Is(seen[i].Err, drayhorse.ErrUnavailable) {
			unanswered++
		}
	}
	switch {
	case unanswered == 0:
		n.reach.markReachable(n.addr)
	case unanswered == len(seen) && ctx.Err() == nil:
		n.reach.markUnreachable(n.addr, seen[0].Err)
	}
}

// rescue takes the jobs of dead leases back.
func (n *node) rescue(ctx context.Context, p *jobs.Partition, dead []jobs.Score) {
	got, err := p.Rescue(ctx, dead)
	if err != nil {
		n.log.WarnContext(ctx, "rescue interrupted", slog.String(logs.Queue, p.String()), slog.String(logs.Error, err.Error()))
	}
	n.metrics.rescued.Add(float64(got.Jobs))
	n.discards.note(p, got.Discarded...)
	n.teller.rescued(p, got)
	if got.Jobs > 0 {
		n.log.WarnContext(ctx, "rescued the jobs of a dead worker", slog.String(logs.Queue, p.String()),
			slog.Int(logs.Count, got.Jobs), slog.Int("poisoned", len(got.Discarded)))
	}
}

// sweeps removes now and then what need not be kept any longer on a node.
func (n *node) sweeps(ctx context.Context) {
	timer := time.NewTimer(rand.N(sweepEvery)) //nolint:gosec // not a secret
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		next := idleSweepEvery
		for _, s := range n.supply.on(n.addr) {
			if n.sweep(ctx, s) {
				next = sweepEvery
			}
		}
		timer.Reset(next)
	}
}

// sweep says whether there was something to remove.
func (n *node) sweep(ctx context.Context, s *source) (found bool) {
	if s.isResting(time.Now()) {
		return false
	}
	swept, err := s.part.SweepAfter(ctx, 0, func(ids []string) {
		n.discards.note(s.part, ids...)
		n.teller.discarded(s.part, "not started in time", ids...)
	})
	if err != nil {
		n.log.DebugContext(ctx, "sweep failed", slog.String(logs.Queue, s.part.String()), slog.String(logs.Error, err.Error()))
		return true // the next one goes on
	}
	if swept.Expired > 0 {
		n.log.InfoContext(ctx, "jobs discarded that were not started in time",
			slog.String(logs.Queue, s.part.String()), slog.Int(logs.Count, swept.Expired))
	}
	if swept.Trimmed > 0 {
		n.log.WarnContext(ctx, "archive is full: ended jobs removed before their time",
			slog.String(logs.Queue, s.part.String()), slog.Int(logs.Count, swept.Trimmed))
	}
	return swept.Removed+swept.Expired > 0
}
