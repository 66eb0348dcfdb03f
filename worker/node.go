package worker

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
)

// node is the loops of a worker that work on one Redis node, so that one which is slow
// or away holds up no other.
type node struct {
	*parts
	addr     string     // "" where Redis is no Cluster
	fetchers []*fetcher // the claimer first, then the one that waits at the bells
	loops    *sync.WaitGroup
	leases   func() []*lease // of sources on the node
	onLook   func()

	following  atomic.Bool // shares of limits are being shared out
	unfollowed atomic.Bool // the last time that failed
}

// newNode makes the loops of the number-th node.
func newNode(p *parts, addr string, number int, waits bool) *node {
	n := &node{parts: p, addr: addr, loops: new(sync.WaitGroup), onLook: func() {}}
	prefix := p.id + "." + strconv.Itoa(number) + "."
	claimer := newFetcher(p, addr, prefix+"0", true)
	n.fetchers = []*fetcher{claimer}
	if waits {
		waiter := newFetcher(p, addr, prefix+"1", false)
		claimer.mate, waiter.mate = waiter, claimer
		n.fetchers = append(n.fetchers, waiter)
	}
	return n
}

func (n *node) claimer() *fetcher { return n.fetchers[0] }

// waiter gives the fetcher that waits at the bells, or nil.
func (n *node) waiter() *fetcher { return n.fetchers[0].mate }

// fetch runs the fetchers until the worker is drained and all is said, or ctx ends.
func (n *node) fetch(ctx context.Context) {
	var all sync.WaitGroup
	for _, f := range n.fetchers {
		all.Go(func() { f.run(ctx) })
	}
	all.Wait()
}

// watch runs what goes on beside the fetchers, until ctx ends.
func (n *node) watch(ctx context.Context) {
	n.loops.Go(func() { n.beats(ctx) })
	n.loops.Go(func() { n.observe(ctx) })
	n.loops.Go(func() { n.sweeps(ctx) })
	n.loops.Wait()
}
