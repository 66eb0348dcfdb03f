package worker

import (
	"context"
	"log/slog"
	"sync"

	"github.com/drayhorse/drayhorse/internal/logs"
)

// reach is what a worker knows of whether Redis answers, for each node of a Cluster
// apart. It says once when one stops answering, and once when it does so again.
type reach struct {
	base  context.Context //nolint:containedctx // of log records alone
	log   *slog.Logger
	gauge interface{ SetUp(up bool) }

	mu     sync.Mutex
	nodes  int             // that the worker knows
	silent map[string]bool // by address
}

func newReach(base context.Context, log *slog.Logger, gauge interface{ SetUp(up bool) }) *reach {
	return &reach{base: base, log: log, gauge: gauge, silent: map[string]bool{}}
}

// know counts a node that the worker has found.
func (r *reach) know() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.nodes++
	r.gauge.SetUp(len(r.silent) == 0)
}

// markUnreachable notes that nothing on a node answered.
func (r *reach) markUnreachable(addr string, err error) {
	r.mark(addr, true, func() {
		r.log.WarnContext(r.base, "redis is away; waiting for it", append(nodeAttr(addr), slog.String(logs.Error, err.Error()))...)
	})
}

// markReachable notes that something on a node answered.
func (r *reach) markReachable(addr string) {
	r.mark(addr, false, func() { r.log.InfoContext(r.base, "redis is back", nodeAttr(addr)...) })
}

func (r *reach) mark(addr string, silent bool, say func()) {
	r.mu.Lock()
	changed := r.silent[addr] != silent
	if changed {
		r.silent[addr] = silent
		if !silent {
			delete(r.silent, addr)
		}
		r.gauge.SetUp(len(r.silent) == 0)
	}
	r.mu.Unlock()
	if changed {
		say()
	}
}

// isAway reports whether no node answers.
func (r *reach) isAway() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.silent) >= r.nodes
}

// nodeAttr names a node of a Cluster in the log.
func nodeAttr(addr string) []any {
	if addr == "" {
		return nil
	}
	return []any{slog.String(logs.Node, addr)}
}
