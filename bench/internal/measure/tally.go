package measure

import (
	"fmt"
	"sync/atomic"
	"time"
)

// Tally counts which jobs were handled.
type Tally struct {
	All  chan struct{} // closed when all were
	Last time.Time     // when that was; to be read after All

	want    int64
	bits    []atomic.Uint64
	handled atomic.Int64
	strange atomic.Int64 // handled twice, or never enqueued
}

// NewTally expects the jobs 0 to n-1.
func NewTally(n int) *Tally {
	return &Tally{All: make(chan struct{}), want: int64(n), bits: make([]atomic.Uint64, (n+63)/64)}
}

// Add notes that a job was handled.
func (t *Tally) Add(job int) {
	if job < 0 || job >= int(t.want) {
		t.strange.Add(1)
		return
	}
	bit := uint64(1) << (job % 64)
	if t.bits[job/64].Or(bit)&bit != 0 {
		t.strange.Add(1)
		return
	}
	if t.handled.Add(1) == t.want {
		t.Last = time.Now()
		close(t.All)
	}
}

// Handled is how many jobs were handled so far.
func (t *Tally) Handled() int { return int(t.handled.Load()) }

// Check says what is wrong unless each job was handled once.
func (t *Tally) Check() error {
	if handled, strange := t.handled.Load(), t.strange.Load(); handled != t.want || strange != 0 {
		return fmt.Errorf("%d of %d jobs were handled, and %d that should not have been", handled, t.want, strange)
	}
	return nil
}
