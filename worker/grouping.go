package worker

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/drayhorse/drayhorse/internal/logs"
)

// maintain keeps the sources with the loops of the nodes that they are on, and tries to
// make the queues that could not be made at the start.
func (s *session) maintain(ctx context.Context) {
	ticker := time.NewTicker(regroupEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.phase.closing:
			return
		case <-s.changed:
			s.follow(ctx)
			continue
		case <-ticker.C:
		}
		if len(s.missing) > 0 {
			s.addMissing(ctx)
		}
		s.follow(ctx)
		if s.client.IsCluster() {
			s.regroup(ctx)
		}
	}
}

// addMissing tries to make queues that could not be made so far.
func (s *session) addMissing(ctx context.Context) {
	before := s.supply.all()
	missing, _ := s.addQueues(ctx, s.missing)
	if len(missing) == len(s.missing) {
		return
	}
	s.log.InfoContext(ctx, "queues made", slog.Int(logs.Count, len(s.missing)-len(missing)))
	s.missing = missing
	s.regroup(ctx)
	s.listen(ctx, slices.DeleteFunc(slices.Clone(s.supply.all()), func(src *source) bool { return slices.Contains(before, src) }))
}

// regroup notes which node each source is on, and starts the loops of nodes that are
// new. A lease stays with the fetcher that has it: where a slot has moved, the old one
// says what became of its jobs, the new one claims.
func (s *session) regroup(ctx context.Context) {
	known := map[string]bool{}
	for _, n := range *s.nodes.Load() {
		known[n.addr] = true
	}
	for _, src := range s.supply.all() {
		addr, ok := src.part.Node(ctx)
		if !ok {
			continue // as it was
		}
		if !src.isOn(addr) {
			src.node.Store(&addr)
		}
		if !known[addr] {
			known[addr] = true
			s.addNode(ctx, addr)
		}
		if src.isClaimable() {
			s.onClaimable(src) // its claimer may be another one now
		}
	}
}

// addNode starts the loops of a node.
func (s *session) addNode(ctx context.Context, addr string) {
	nodes := *s.nodes.Load()
	n := newNode(&s.parts, addr, len(nodes), !s.client.IsCluster())
	n.leases = func() []*lease {
		return slices.DeleteFunc(s.leases(), func(l *lease) bool { return !l.source.isOn(addr) })
	}
	n.onLook = s.resumeWaits
	n.claimer().others = s.claimers
	all := append(slices.Clone(nodes), n)
	s.nodes.Store(&all)
	s.reach.know()
	s.fetching.Go(func() { n.fetch(ctx) })
	s.watching.Go(func() { n.watch(ctx) })
}

// claimers gives those of all nodes.
func (s *session) claimers() []*fetcher {
	nodes := *s.nodes.Load()
	claimers := make([]*fetcher, len(nodes))
	for i, n := range nodes {
		claimers[i] = n.claimer()
	}
	return claimers
}

// listen starts listeners for the bells of sources.
func (s *session) listen(ctx context.Context, sources []*source) {
	for _, l := range s.bells.add(sources) {
		s.watching.Go(func() { l.run(ctx) })
	}
}

// onClaimable wakes the claimer of a source's node.
func (s *session) onClaimable(src *source) {
	for _, n := range *s.nodes.Load() {
		if src.isOn(n.addr) {
			n.claimer().wake()
		}
	}
}

// onQuiet has the source's bell waited for.
func (s *session) onQuiet(src *source) {
	if s.wakeWaiter() {
		s.bells.resume(src)
	}
}

// onFree tells those who wait for a slot that there is one.
func (s *session) onFree() {
	for _, n := range *s.nodes.Load() {
		n.claimer().wake()
	}
	s.resumeWaits()
}

// resumeWaits has the bells waited for, now that there may be a reason to.
func (s *session) resumeWaits() {
	if s.wakeWaiter() {
		s.bells.resumeAll()
	}
}

// wakeWaiter has the fetcher look that waits at the bells, and reports false if it waits
// already.
func (s *session) wakeWaiter() bool {
	for _, n := range *s.nodes.Load() {
		waiter := n.waiter()
		switch {
		case waiter == nil:
		case waiter.isWaiting():
			return false
		case waiter.couldWait():
			waiter.wake()
		}
	}
	return true
}

// isCovered reports whether a fetcher waits at the bells, or is about to.
func (s *session) isCovered() bool {
	return slices.ContainsFunc(*s.nodes.Load(), func(n *node) bool { return n.waiter() != nil && n.waiter().couldWait() })
}
