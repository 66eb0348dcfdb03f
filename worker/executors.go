package worker

import (
	"slices"
	"sync"
)

// executors run claims, on as many goroutines as were ever needed at once, at most
// limit. Claims come in batches and are taken one by one: a goroutine that takes one
// and leaves others behind wakes the next goroutine, and no more than that one. So
// short handlers run after each other on goroutines that are awake, and long ones
// beside each other. More claims than goroutines wait for one.
type executors struct {
	run   func(*execution)
	limit int
	all   sync.WaitGroup

	mu     sync.Mutex
	line   []*execution      // claimed, not started yet
	size   int               // goroutines
	idle   []chan<- struct{} // wake those of them that wait; the last one was the last to work
	coming bool              // one was woken and has not taken anything yet
	closed bool
}

func newExecutors(limit int, run func(*execution)) *executors {
	return &executors{run: run, limit: limit}
}

// start has executions run. Those for which no goroutine is free wait for one.
func (x *executors) start(executions []*execution) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.line = append(x.line, executions...)
	x.next()
}

// next gets one more goroutine to work, if there is something to do and none is on
// its way: the last one that worked, whose stack is warm. Callers hold mu.
func (x *executors) next() {
	switch {
	case len(x.line) == 0 || x.coming:
	case len(x.idle) > 0:
		last := len(x.idle) - 1
		x.coming = true
		x.idle[last] <- struct{}{}
		x.idle = x.idle[:last]
	case x.size < x.limit:
		x.size++
		x.coming = true
		x.all.Go(x.work)
	}
}

// work runs executions until the executors are closed. A handler that ends its
// goroutine (runtime.Goexit) takes it along: the next claim makes another one.
func (x *executors) work() {
	wake := make(chan struct{}, 1) // has room for one, so that nobody waits under mu
	running := false
	defer func() {
		if running {
			x.mu.Lock()
			x.size--
			x.next()
		}
		x.mu.Unlock()
	}()
	x.mu.Lock()
	x.coming = false
	for {
		for len(x.line) == 0 {
			if x.closed {
				return
			}
			x.idle = append(x.idle, wake)
			x.mu.Unlock()
			<-wake
			x.mu.Lock()
			x.coming = false
		}
		e := x.line[0]
		x.line[0] = nil
		x.line = x.line[1:]
		x.next()
		x.mu.Unlock()
		running = true
		x.run(e)
		running = false
		x.mu.Lock()
	}
}

// take takes what is next away, to be run by the caller; nil: nothing waits.
func (x *executors) take() *execution {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.line) == 0 {
		return nil
	}
	e := x.line[0]
	x.line[0] = nil
	x.line = x.line[1:]
	return e
}

// withdraw takes back what has not started yet and is to be taken back, and hands it
// back to the queue in its order.
func (x *executors) withdraw(takes func(*execution) bool) {
	x.mu.Lock()
	var taken []*execution
	x.line = slices.DeleteFunc(x.line, func(e *execution) bool {
		if !takes(e) {
			return false
		}
		taken = append(taken, e)
		return true
	})
	x.mu.Unlock()
	for _, e := range slices.Backward(taken) { // each goes in front of the others
		e.release()
	}
}

// close lets the goroutines end when all that was started has run.
func (x *executors) close() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.closed = true
	for _, wake := range x.idle {
		wake <- struct{}{}
	}
	x.idle = nil
}

// wait returns when all goroutines have ended.
func (x *executors) wait() { x.all.Wait() }
