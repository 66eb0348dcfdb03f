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

// observe looks at all partitions every second, or two while they are idle: for jobs
// whose bell was lost, and for leases whose workers died.
func (s *session) observe(ctx context.Context) {
	watch := jobs.NewWatch()
	sweep := time.Now().Add(rand.N(sweepEvery)) //nolint:gosec // not a secret
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		begun := time.Now()
		next := jobs.LookEvery
		if s.look(ctx, watch) {
			next = jobs.IdleLookEvery
		}
		if begun.After(sweep) {
			sweep = begun.Add(idleSweepEvery)
			if s.sweep(ctx) {
				sweep = begun.Add(sweepEvery)
			}
		}
		timer.Reset(time.Until(begun.Add(next)))
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
	}
}

// look looks at all partitions once and says whether they are idle.
func (s *session) look(ctx context.Context, watch *jobs.Watch) (idle bool) {
	parts := make([]*jobs.Partition, len(s.lines))
	for i, l := range s.lines {
		parts[i] = l.part
	}
	asked := time.Now()
	seen := s.engine.Observe(ctx, parts...)
	now := time.Now()
	s.noticed(ctx, asked, seen)
	s.calmed(s.listeners...) // somebody may have to take over the wait at the bells
	for i := range seen {
		s.lines[i].away.Store(errors.Is(seen[i].Err, drayhorse.ErrUnavailable))
		if seen[i].Err != nil {
			continue
		}
		s.lines[i].observed(&seen[i])
		if dead := watch.Look(&seen[i], asked, now); len(dead) > 0 {
			s.rescue(ctx, parts[i], dead)
		}
	}
	return !slices.ContainsFunc(seen, func(o jobs.Observation) bool { return !o.Idle() })
}

// noticed takes note of whether Redis is there: an idle worker has no turns that
// would tell. Where some partitions answer and some do not, those turns tell more.
func (s *session) noticed(ctx context.Context, asked time.Time, seen []jobs.Observation) {
	var away error
	unanswered := 0
	for i := range seen {
		if err := seen[i].Err; errors.Is(err, drayhorse.ErrUnavailable) {
			away = err
			unanswered++
		}
	}
	switch {
	case away == nil:
		s.back()
		if len(seen) <= jobs.MaxLook { // more take their time wherever Redis is
			s.measure(asked)
		}
	case unanswered == len(seen) && ctx.Err() == nil:
		s.gone(away)
	}
}

// rescue takes the jobs of dead leases back.
func (s *session) rescue(ctx context.Context, p *jobs.Partition, dead []jobs.Score) {
	got, err := p.Rescue(ctx, dead)
	if err != nil {
		s.log.WarnContext(ctx, "rescue interrupted", slog.String(logs.Queue, p.String()), slog.String(logs.Error, err.Error()))
	}
	s.metrics.rescued.Add(float64(got.Jobs))
	if got.Jobs > 0 {
		s.log.WarnContext(ctx, "rescued the jobs of a dead worker", slog.String(logs.Queue, p.String()),
			slog.Int(logs.Count, got.Jobs), slog.Int("poisoned", got.Poisoned))
	}
}

// sweep says whether there was something to remove.
func (s *session) sweep(ctx context.Context) (found bool) {
	for _, l := range s.lines {
		swept, err := l.part.Sweep(ctx)
		if err != nil {
			return true // the next one goes on
		}
		found = found || swept.Removed > 0
		if swept.Trimmed > 0 {
			s.log.WarnContext(ctx, "archive is full: ended jobs removed before their time",
				slog.String(logs.Queue, l.part.String()), slog.Int(logs.Count, swept.Trimmed))
		}
	}
	return found
}
