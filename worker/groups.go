package worker

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
)

const (
	// maxRanGroups is how many groups of a source are remembered between two looks. More are
	// left out of the number of groups, which is an estimate.
	maxRanGroups = 10_000
	// lastGroups is how long a worker that stops tells of which groups its last jobs were.
	lastGroups = time.Second
)

// ranGroups is groups of which jobs have run since the last look. The zero value is none.
type ranGroups struct {
	mu    sync.Mutex
	names map[string]struct{}
}

func (g *ranGroups) note(names ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.names == nil {
		g.names = map[string]struct{}{}
	}
	for _, name := range names {
		if len(g.names) == maxRanGroups {
			return
		}
		g.names[name] = struct{}{}
	}
}

// take gives the groups, and forgets them.
func (g *ranGroups) take() (names []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for name := range g.names {
		names = append(names, name)
	}
	g.names = nil
	return names
}

// noteGroups has Redis count the groups of which jobs on the node have run. What a worker has not
// told before it is killed is left out.
func (n *node) noteGroups(ctx context.Context) {
	var ran []jobs.RanGroups
	var sources []*source
	for _, s := range n.supply.on(n.addr) {
		if names := s.groups.take(); len(names) > 0 {
			ran, sources = append(ran, jobs.RanGroups{Partition: s.part, Names: names}), append(sources, s)
		}
	}
	if len(ran) == 0 {
		return
	}
	for i, err := range n.engine.NoteGroups(ctx, ran...) {
		if err == nil {
			continue
		}
		n.log.DebugContext(ctx, "groups are not counted", slog.String(logs.Queue, ran[i].Partition.String()), slog.String(logs.Error, err.Error()))
		if errors.Is(err, drayhorse.ErrUnavailable) {
			sources[i].groups.note(ran[i].Names...) // the next look tries again
		}
	}
}

// noteLastGroups is noteGroups for all nodes of a worker that stops.
func (s *session) noteLastGroups() {
	ctx, cancel := context.WithTimeout(s.base, lastGroups)
	defer cancel()
	var all sync.WaitGroup
	for _, n := range *s.nodes.Load() {
		all.Go(func() { n.noteGroups(ctx) })
	}
	all.Wait()
}
