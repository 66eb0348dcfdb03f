package admin

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/drayhorse/drayhorse/internal/events"
)

const (
	// maxUntold is how many acts wait to be told; more are left out.
	maxUntold = 100
	// tellTimeout is how long it may take to tell of them.
	tellTimeout = time.Second
)

// acts tells those who listen what operators do. Who does something does not wait for it.
type acts struct {
	store *events.Store

	mu      sync.Mutex
	pending []events.Event
	leftOut int
	telling bool
	work    sync.WaitGroup
}

// did tells of something that was done.
func (a *Admin) did(act string, e events.Event) {
	e.Type, e.Act, e.At, e.By = events.Operator, act, time.Now(), cmp.Or(e.By, a.actor)
	a.acts.add(e)
}

func (a *acts) add(e events.Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.pending) == maxUntold {
		a.leftOut++
		return
	}
	a.pending = append(a.pending, e)
	if !a.telling {
		a.telling = true
		a.work.Go(a.tell)
	}
}

// tell tells until there is nothing to tell.
func (a *acts) tell() {
	for {
		a.mu.Lock()
		all, leftOut := a.pending, a.leftOut
		a.pending, a.leftOut = nil, 0
		a.telling = len(all) > 0
		a.mu.Unlock()
		if len(all) == 0 {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), tellTimeout)
		done, _ := a.store.Append(ctx, "", leftOut, all) // it is also in the log
		cancel()
		a.mu.Lock()
		a.leftOut += done.Untold
		a.mu.Unlock()
	}
}

// wait waits until all is told.
func (a *acts) wait() { a.work.Wait() }
