package worker

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"github.com/drayhorse/drayhorse/internal/logs"
)

const (
	// maxUnserved is how many kinds without a handler a worker names in its log: their
	// names come from producers, and there is no limit to them.
	maxUnserved = 100
	// maxServed is how many of its own kinds it names beside.
	maxServed = 20
)

// unserved says of each kind that has no handler here that its jobs wait, once.
type unserved struct {
	log    *slog.Logger
	served []string // the kinds that have one, in order

	mu     sync.Mutex
	warned map[string]bool
}

func newUnserved(log *slog.Logger, k kinds) *unserved {
	return &unserved{log: log, served: slices.Sorted(maps.Keys(k)), warned: map[string]bool{}}
}

// note takes note of a job whose kind has no handler here.
func (u *unserved) note(ctx context.Context, kind, queue string) {
	u.mu.Lock()
	known := u.warned[kind] || len(u.warned) > maxUnserved
	if !known {
		u.warned[kind] = true
	}
	last := len(u.warned) > maxUnserved
	u.mu.Unlock()
	switch {
	case known:
	case last:
		u.log.WarnContext(ctx, "more kinds have no handler here; they are not named any more", slog.Int(logs.Count, maxUnserved))
	default:
		u.log.WarnContext(ctx, "no handler here for this kind: its jobs wait for a worker that has one",
			slog.String(logs.Kind, kind), slog.String(logs.Queue, queue),
			slog.Any("handlers", u.served[:min(len(u.served), maxServed)]))
	}
}
