package worker

import (
	"sync/atomic"
	"time"
)

// capacity counts the jobs that a worker holds against its slots. Jobs may be claimed
// ahead of free slots; free is below zero then.
type capacity struct {
	slots  int
	onFree func() // a slot is free, and none was before

	free    atomic.Int64 // slots less the jobs that are held or asked for
	held    atomic.Int64 // claimed and not ended
	claimed atomic.Int64 // Unix ns of the last claim
	ended   atomic.Int64 // handlers that have returned since the start
	busy    atomic.Int64 // ns that they took, in all

	idle chan struct{} // has an element when the last held job has ended
}

func newCapacity(slots int, onFree func()) *capacity {
	c := &capacity{slots: slots, onFree: onFree, idle: make(chan struct{}, 1)}
	c.free.Store(int64(slots))
	c.claimed.Store(time.Now().UnixNano())
	return c
}

// take reserves room for at most want jobs, ahead of which may lie beyond the free
// slots, and says for how many.
func (c *capacity) take(want, ahead int) int {
	for {
		free := c.free.Load()
		n := min(free+int64(ahead), int64(want))
		if n <= 0 {
			return 0
		}
		if c.free.CompareAndSwap(free, free-n) {
			return int(n)
		}
	}
}

// room is how much take would give.
func (c *capacity) room(ahead int) int { return int(max(c.free.Load()+int64(ahead), 0)) }

// give takes a reservation back. A negative n takes the room of jobs that were claimed
// without one.
func (c *capacity) give(n int) {
	if n == 0 {
		return
	}
	if free := c.free.Add(int64(n)); free > 0 && free <= int64(n) {
		c.onFree()
	}
}

// freeSlots is how many slots are free, at least zero.
func (c *capacity) freeSlots() int { return int(max(c.free.Load(), 0)) }

// hold notes that n jobs were claimed, for which there is a reservation.
func (c *capacity) hold(n int) {
	if n > 0 {
		c.held.Add(int64(n))
		c.claimed.Store(time.Now().UnixNano())
	}
}

// ran notes how long a handler took.
func (c *capacity) ran(took time.Duration) {
	c.busy.Add(int64(took))
	c.ended.Add(1)
}

// end notes that a job is held no more, and gives its room back.
func (c *capacity) end() {
	c.give(1)
	if c.held.Add(-1) == 0 {
		select {
		case c.idle <- struct{}{}:
		default:
		}
	}
}

// sinceClaim is how long ago the last claim was.
func (c *capacity) sinceClaim(now time.Time) time.Duration {
	return now.Sub(time.Unix(0, c.claimed.Load()))
}

// awaitIdle waits until no job is held, for d at most, and reports whether that is so.
func (c *capacity) awaitIdle(d time.Duration) bool {
	deadline := time.NewTimer(max(d, 0))
	defer deadline.Stop()
	for c.held.Load() != 0 {
		select {
		case <-deadline.C:
			return c.held.Load() == 0
		case <-c.idle:
		}
	}
	return true
}
