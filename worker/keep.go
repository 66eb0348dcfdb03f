package worker

import (
	"context"
	"log/slog"
	"slices"

	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
)

// keepQueues has queues written again that Redis has forgotten, and tells maintain of
// those that are not what they were.
func (s *session) keepQueues(ctx context.Context) {
	s.engine.KeepUntil(ctx, func(changes []jobs.Change, err error) {
		if err != nil {
			s.log.DebugContext(ctx, "queues cannot be kept", slog.String(logs.Error, err.Error()))
		}
		select {
		case s.changed <- changes:
		case <-s.phase.closing:
		case <-ctx.Done():
		}
	})
}

// applyChanges takes in that queues have more partitions than they had, or were
// deleted: those are claimed from as before, in case they are made anew.
func (s *session) applyChanges(ctx context.Context, changes []jobs.Change) {
	for _, c := range changes {
		if _, served := s.cfg.Queues[c.Queue]; !served {
			continue
		}
		if c.Partitions == nil {
			s.deleted = append(s.deleted, c.Queue)
		} else {
			s.grow(ctx, c.Queue, c.Partitions)
		}
	}
}

// maxSought is how many deleted queues are looked for at once.
const maxSought = 500

// seekDeleted looks for queues that were deleted and have been made anew, maybe with
// more partitions.
func (s *session) seekDeleted(ctx context.Context) {
	some := s.deleted[:min(len(s.deleted), maxSought)]
	found, _ := s.engine.Meet(ctx, some)
	left := slices.Clone(s.deleted[len(some):])
	for _, name := range some {
		if partitions := found[name]; partitions != nil {
			s.grow(ctx, name, partitions)
		} else {
			left = append(left, name)
		}
	}
	s.deleted = left
}

// grow adds sources for the partitions of a queue that have none.
func (s *session) grow(ctx context.Context, queue string, partitions []*jobs.Partition) {
	have := map[int]bool{}
	for _, src := range s.supply.all() {
		if src.part.Queue == queue {
			have[src.part.Index] = true
		}
	}
	var added []*source
	for _, p := range partitions {
		if !have[p.Index] {
			added = append(added, newSource(s.supply, p, s.cfg.Queues[queue]))
		}
	}
	if len(added) == 0 {
		return
	}
	s.log.InfoContext(ctx, "queue has more partitions", slog.String(logs.Queue, queue), slog.Int(logs.Count, len(partitions)))
	s.supply.append(added...)
	s.regroup(ctx)
	s.listen(ctx, added)
}
