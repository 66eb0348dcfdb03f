package board

import (
	"time"

	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/figures"
)

// Sums adds up all queues that were counted.
type Sums struct {
	Scheduled, Available, Running, Retryable, Completed, Cancelled, Discarded int
	Oldest                                                                    time.Duration
	OldestQueue                                                               string
	Paused                                                                    int
}

// Fleet is all workers together.
type Fleet struct {
	Count, Slots, Running, Quiet, Stuck int
	Use                                 int // percent of the slots
}

// Sums adds up the queues of a reading.
func (r *Reading) Sums() (s Sums) {
	for i := range r.Queues {
		s.add(&r.Queues[i])
	}
	return s
}

func (s *Sums) add(q *admin.Queue) {
	s.Scheduled += q.Scheduled
	s.Available += q.Available
	s.Running += q.Running
	s.Retryable += q.Retryable
	s.Completed += q.Completed
	s.Cancelled += q.Cancelled
	s.Discarded += q.Discarded
	if q.Paused {
		s.Paused++
	}
	if l := q.Latency(); l > s.Oldest {
		s.Oldest, s.OldestQueue = l, q.Name
	}
}

// FleetOf adds up workers.
func FleetOf(workers []admin.Worker) Fleet {
	f := Fleet{Count: len(workers)}
	for i := range workers {
		w := &workers[i]
		f.Slots, f.Running, f.Stuck = f.Slots+w.Concurrency, f.Running+w.Running, f.Stuck+w.Stuck
		if w.State != admin.WorkerWorking {
			f.Quiet++
		}
	}
	f.Use = figures.Percent(f.Running, f.Slots)
	return f
}
