package scheduler

import (
	"context"
	"log/slog"

	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
)

// keep has the queues written again that Redis has forgotten.
func (s *Scheduler) keep(ctx context.Context) error {
	s.engine.KeepUntil(ctx, func(_ []jobs.Change, err error) {
		if err != nil {
			s.log.DebugContext(ctx, "queues cannot be kept", slog.String(logs.Error, err.Error()))
		}
	})
	return nil
}
