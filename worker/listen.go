package worker

import (
	"context"
	"slices"
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

// listener waits in BRPOP for the bells of lines while there is nothing to claim
// from them and a slot is free.
type listener struct {
	session *session
	lines   []*line
	calm    chan struct{} // it may be time to listen again
}

// newListeners makes the listeners for all lines, the heaviest first.
func newListeners(s *session) []*listener {
	size := bellsTogether
	if s.client.IsCluster() {
		size = 1
	}
	var listeners []*listener
	for lines := range slices.Chunk(s.lines, size) {
		if len(listeners) == maxListeners {
			break
		}
		l := &listener{session: s, lines: lines, calm: make(chan struct{}, 1)}
		for _, line := range lines {
			line.listener = l
		}
		listeners = append(listeners, l)
	}
	return listeners
}

// calmed tells the listener that a line cooled down or a slot is free again. A nil
// listener is told nothing.
func (l *listener) calmed() {
	if l == nil {
		return
	}
	select {
	case l.calm <- struct{}{}:
	default:
	}
}

func (l *listener) listen(ctx context.Context) {
	s := l.session
	parts := make([]*jobs.Partition, len(l.lines))
	for i, line := range l.lines {
		parts[i] = line.part
	}
	var backoff redis.Backoff
	for l.await(ctx) {
		p, err := s.engine.Wait(ctx, listenFor, parts...)
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
		if s.isClosing() || !s.slots.any() {
			_ = p.Ring(ctx) // for somebody else; if that fails, their look finds it
			continue
		}
		l.lines[slices.Index(parts, p)].heat()
	}
}

// await blocks while there is something to claim, no slot free, or a fetcher that
// attends. It reports false when the session stops claiming.
func (l *listener) await(ctx context.Context) bool {
	for !l.session.slots.any() || l.session.attended() || slices.ContainsFunc(l.lines, (*line).isHot) {
		select {
		case <-ctx.Done():
			return false
		case <-l.session.closing:
			return false
		case <-l.calm:
		}
	}
	return ctx.Err() == nil && !l.session.isClosing()
}
