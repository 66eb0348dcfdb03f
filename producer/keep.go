package producer

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
)

const (
	// keepAfter is how long after something was put into a queue a producer looks
	// whether Redis still knows the queue.
	keepAfter = time.Second
	// keepAllEvery is how often it looks at all queues that it knows, so that it forgets
	// those that were deleted.
	keepAllEvery = time.Minute
	// keepTimeout is how long that may take.
	keepTimeout = 5 * time.Second
)

// keeper looks whether Redis knows the queues that its producer puts jobs into, and has
// those written again that it has forgotten. A call costs nothing for it: at most once
// a second it asks for the queues that were used.
type keeper struct {
	engine  *jobs.Engine
	changed func([]jobs.Change)
	log     *slog.Logger

	mu      sync.Mutex
	used    []*route
	soon    bool // the timer is set for them
	closed  bool
	timer   *time.Timer
	allAt   time.Time // when all queues are due
	working sync.WaitGroup
}

func newKeeper(engine *jobs.Engine, changed func([]jobs.Change), log *slog.Logger) *keeper {
	k := &keeper{engine: engine, changed: changed, log: log}
	k.timer = time.AfterFunc(time.Hour, k.run)
	k.timer.Stop()
	return k
}

// note takes note that something was put into a queue. It comes after the answer, so
// that whatever Redis has forgotten by then is found missing.
func (k *keeper) note(r *route) {
	if r.used.Load() || r.used.Swap(true) {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.used = append(k.used, r)
	k.setTimer()
}

// setTimer has used routes kept soon. Callers hold mu.
func (k *keeper) setTimer() {
	if !k.soon && !k.closed {
		k.soon = true
		k.timer.Reset(keepAfter)
	}
}

// run is what the timer calls.
func (k *keeper) run() {
	k.mu.Lock()
	if k.closed {
		k.mu.Unlock()
		return
	}
	k.working.Add(1) // never beside close's Wait: that comes after closed
	k.mu.Unlock()
	defer k.working.Done()
	k.keep(keepTimeout)

	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.soon && !k.closed {
		k.timer.Reset(keepAllEvery)
	}
}

func (k *keeper) keep(timeout time.Duration) {
	k.mu.Lock()
	routes := k.used
	k.used, k.soon = nil, false
	all := !time.Now().Before(k.allAt)
	if all {
		k.allAt = time.Now().Add(keepAllEvery)
	}
	k.mu.Unlock()
	queues := make([][]*jobs.Partition, len(routes))
	for i, r := range routes {
		r.used.Store(false) // who puts something in from here on says so again
		queues[i] = r.partitions
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	changes, err := k.engine.Keep(ctx, queues...)
	k.changed(changes)
	if err == nil && all {
		changes, err = k.engine.KeepAll(ctx)
		k.changed(changes)
	}
	if err != nil {
		k.log.DebugContext(ctx, "queues cannot be kept", slog.String(logs.Error, err.Error()))
		k.again(routes)
	}
}

// again has routes kept that could not be.
func (k *keeper) again(routes []*route) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, r := range routes {
		if !r.used.Swap(true) {
			k.used = append(k.used, r)
		}
	}
	k.setTimer()
}

// close keeps what was used since, once, and ends the timer. No call is on its way.
func (k *keeper) close() {
	k.mu.Lock()
	k.closed = true
	left := len(k.used) > 0
	k.mu.Unlock()
	k.timer.Stop()
	k.working.Wait()
	if left {
		k.keep(keepAfter)
	}
}
