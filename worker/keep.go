package worker

import (
	"context"
	"log/slog"

	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
)

// keepQueues has queues written again that Redis has forgotten, and wakes maintain when some
// are not what they were.
func (s *session) keepQueues(ctx context.Context) {
	s.engine.KeepUntil(ctx, func(_ []jobs.Change, err error) {
		if err != nil {
			s.log.DebugContext(ctx, "queues cannot be kept", slog.String(logs.Error, err.Error()))
		}
		select {
		case s.changed <- struct{}{}:
		default: // it will look anyway
		}
	})
}

// follow takes in that queues have more partitions than they had, or were deleted: those are
// claimed from as before, in case they are made anew. It goes by what the engine knows, from
// whomever: others read the registry, too, and the keeper tells only of what it has seen first.
func (s *session) follow(ctx context.Context) {
	sources := map[string]int{}
	for _, src := range s.supply.all() {
		sources[src.part.Queue]++
	}
	var deleted []string
	for queue, n := range sources {
		if partitions, known := s.engine.Known(queue); !known {
			deleted = append(deleted, queue)
		} else if len(partitions) > n {
			s.grow(ctx, queue, partitions)
		}
	}
	if len(deleted) > 0 {
		s.seek(ctx, deleted[:min(len(deleted), maxSought)])
	}
}

// maxSought is how many deleted queues are looked for at once, others each time.
const maxSought = 500

// seek looks for queues that were deleted and have been made anew, maybe with more partitions.
func (s *session) seek(ctx context.Context, deleted []string) {
	found, _ := s.engine.Meet(ctx, deleted)
	for queue, partitions := range found {
		s.grow(ctx, queue, partitions)
	}
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
