package worker

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/redis"
)

const (
	// listenFor is how long one wait for a bell lasts; over a dead connection nothing
	// is heard for as long.
	listenFor = 5 * time.Second
	// bellsTogether is how many bells one listener waits for: Redis notes the wait
	// at every bell, and takes all of that back when one rings. On a Cluster each is
	// in a slot of its own, and they cannot be waited for together.
	bellsTogether = 500
	// maxListeners is how many listeners a worker has, each with a connection. Beyond
	// their bells, the look every second finds the jobs.
	maxListeners = 50
)

// bells are the doorbells of the sources, and the listeners that wait for them.
type bells struct {
	engine   *jobs.Engine
	worker   string // its ID
	capacity *capacity
	together int // bells that one listener waits for
	closing  <-chan struct{}
	covered  func() bool // a fetcher waits at the bells, or is about to
	single   bool        // all bells can be waited for in one call

	retryAt atomic.Int64 // Unix ns: the bells cannot be heard before

	mu        sync.Mutex
	listeners []*listener
	sources   int // how many there are
}

// listener waits in BRPOP for the bells of sources while there is nothing to claim from
// them and a slot is free.
type listener struct {
	bells   *bells
	name    string // by which it is nudged; "": it cannot be
	sources []*source
	resumed chan struct{} // it may be time to wait again
	waiting atomic.Bool
}

// add makes listeners for sources, and gives them to be run.
func (b *bells) add(sources []*source) (added []*listener) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sources += len(sources)
	for some := range slices.Chunk(sources, b.together) {
		if len(b.listeners) == maxListeners {
			break
		}
		l := &listener{bells: b, sources: some, resumed: make(chan struct{}, 1)}
		if b.single {
			l.name = b.worker + ".l" + strconv.Itoa(len(b.listeners))
		}
		b.listeners = append(b.listeners, l)
		added = append(added, l)
	}
	return added
}

// areWaitedFor reports whether fetchers wait at the bells, in place of the listeners.
func (b *bells) areWaitedFor() bool {
	now := time.Now()
	b.mu.Lock()
	few := b.sources <= maxWaited
	b.mu.Unlock()
	return b.single && few && b.capacity.sinceClaim(now) < waitAfterClaim && now.UnixNano() >= b.retryAt.Load()
}

// giveUpFor leaves the bells to the listeners for a while.
func (b *bells) giveUpFor(d time.Duration) { b.retryAt.Store(time.Now().Add(d).UnixNano()) }

// takeOver has the listeners leave the bells to a fetcher that is about to wait there.
// Who waits first hears a bell first: a listener that stayed would hear it, and would have
// somebody claim in a round trip of its own.
func (b *bells) takeOver(ctx context.Context) error {
	var names []string
	b.mu.Lock()
	for _, l := range b.listeners {
		if l.name != "" && l.waiting.Load() {
			names = append(names, l.name)
		}
	}
	b.mu.Unlock()
	if len(names) == 0 {
		return nil
	}
	return b.engine.Nudge(ctx, names...)
}

// resumeAll has all listeners look whether it is time to wait again.
func (b *bells) resumeAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range b.listeners {
		l.resume()
	}
}

// resume has those listeners look that wait for a source's bell.
func (b *bells) resume(s *source) {
	if l := s.listener.Load(); l != nil {
		l.resume()
	}
}

func (l *listener) resume() {
	select {
	case l.resumed <- struct{}{}:
	default:
	}
}

// run waits for bells until ctx ends or nothing more is to be claimed.
func (l *listener) run(ctx context.Context) {
	parts := make([]*jobs.Partition, len(l.sources))
	for i, s := range l.sources {
		s.listener.Store(l)
		parts[i] = s.part
	}
	var backoff redis.Backoff
	for l.await(ctx) {
		l.waiting.Store(true)
		p, err := l.bells.engine.Wait(ctx, l.name, listenFor, parts...)
		l.waiting.Store(false)
		if err != nil {
			if !backoff.Wait(ctx) {
				return
			}
			continue
		}
		backoff.Reset()
		if p == nil {
			continue
		}
		if isClosed(l.bells.closing) || l.bells.capacity.freeSlots() == 0 {
			_ = p.Ring(ctx) // for another worker; if that fails, a look finds it
			continue
		}
		l.sources[slices.Index(parts, p)].markClaimable()
	}
}

// await blocks while there is something to claim, no slot free, or a fetcher that waits
// at the bells. It reports false when nothing more is to be claimed.
func (l *listener) await(ctx context.Context) bool {
	b := l.bells
	for b.capacity.freeSlots() == 0 || b.covered() || slices.ContainsFunc(l.sources, (*source).isClaimable) {
		select {
		case <-ctx.Done():
			return false
		case <-b.closing:
			return false
		case <-l.resumed:
		}
	}
	return ctx.Err() == nil && !isClosed(b.closing)
}
