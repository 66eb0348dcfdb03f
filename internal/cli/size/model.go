package size

import (
	"math/bits"
	"time"

	"github.com/drayhorse/drayhorse/internal/jobs"
)

// What Redis 7 needs for a job beside its envelope, in bytes: entries of hashes with their
// IDs, and places in lists and sorted sets. A test measures it.
const (
	besideWaiting   = 96  // in the hash of jobs and the list of those that are ready
	besideScheduled = 200 // in a sorted set by its time in place of that list
	besideEnded     = 380 // in the archive and two sorted sets
	// envelope is what is stored of a job beside its arguments, its kind of some 8 letters
	// included.
	envelope = 28
	// attemptError is what is stored of a failed attempt beside its message.
	attemptError = 30
)

// connections of a program: what it has when idle, and how many more it opens under load for
// each CPU at most.
const (
	workerIdle         = 2
	schedulerIdle      = 5
	producerIdle       = 1
	connectionsEachCPU = 10
)

// cpuOfAJob is how long one core of Redis works for a job, from its enqueue to its end.
const cpuOfAJob = 5300 * time.Nanosecond

// allocated is what the allocator of Redis takes for n bytes: four sizes for each doubling.
func allocated(n int) int {
	switch {
	case n <= 16:
		return 16
	case n <= 128:
		return (n + 15) &^ 15
	}
	step := 1 << (bits.Len(uint(n-1)) - 3)
	return (n + step - 1) &^ (step - 1)
}

// text is what a string of n bytes takes as the value of a hash.
func text(n int) int {
	head := 2
	switch {
	case n >= 1<<16:
		head = 10
	case n >= 1<<8:
		head = 6
	case n >= 1<<5:
		head = 4
	}
	return allocated(n + head)
}

// waiting is what a job takes that waits for a worker, and scheduled what one takes that waits
// for its time, with arguments of so many bytes.
func waiting(args int) int   { return besideWaiting + text(envelope+args) }
func scheduled(args int) int { return besideScheduled + text(envelope+10+args) }

// ended is what a job takes that is kept, with a result, or a last error, of so many bytes.
func ended(args, result int) int { return besideEnded + text(2*envelope+args+result) }

// keptAtMost is how many ended jobs of a state a partition keeps.
func keptAtMost(args, result int) int {
	return min(jobs.MaxArchived, jobs.MaxArchivedBytes/max(envelope+args+result, 1))
}
