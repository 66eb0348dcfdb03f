package jobs

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/drayhorse/drayhorse/internal/redis"
)

// Patience is how long an enqueue goes on trying while Redis is away.
const Patience = 5 * time.Second

// Lane is a producer's way into a partition. Calls that come while one is on the
// wire share the next one, so that batches grow by themselves under load and
// nothing ever waits for a timer. Each call has a number, and the last one is
// repeated until its answer is known: a lost reply makes no second copy.
type Lane struct {
	partition *Partition
	name      string

	mu      sync.Mutex
	seq     uint64
	waiting []*entry
	busy    bool
	running sync.WaitGroup
}

// entry is one caller's jobs on their way.
type entry struct {
	jobs     []*NewJob
	deadline time.Time
	stored   []Stored
	err      error
	done     chan struct{}
}

// NewLane makes a lane. Close waits for its last call.
func NewLane(p *Partition) *Lane {
	return &Lane{partition: p, name: uuid.NewString()}
}

// Partition is where the lane leads.
func (l *Lane) Partition() *Partition { return l.partition }

// Load is how many callers wait for the lane, the call on the wire counting as one.
func (l *Lane) Load() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy {
		return len(l.waiting) + 1
	}
	return 0
}

// Enqueue stores jobs, all or none if they fit one call. More than that go in
// several calls, and an error may then mean that the first of them are stored. It
// returns at ctx's end, or after Patience while Redis is away, with
// drayhorse.ErrUnavailable: what was on the wire may be stored or not.
func (l *Lane) Enqueue(ctx context.Context, jobs ...*NewJob) ([]Stored, error) {
	var entries []*entry
	deadline := time.Now().Add(Patience)
	for _, batch := range batches(jobs) {
		entries = append(entries, &entry{jobs: batch, deadline: deadline, done: make(chan struct{})})
	}
	l.add(entries)
	stored := make([]Stored, 0, len(jobs))
	for _, e := range entries {
		select {
		case <-e.done:
		case <-ctx.Done():
			return stored, failure("enqueue", ctx.Err())
		}
		if e.err != nil {
			return stored, failure("enqueue", e.err)
		}
		stored = append(stored, e.stored...)
	}
	return stored, nil
}

// batches encodes jobs and splits them into what fits a call.
func batches(jobs []*NewJob) [][]*NewJob {
	var all [][]*NewJob
	first, size := 0, 0
	for i, j := range jobs {
		j.encode()
		if i > first && (i-first == maxBatchJobs || size+j.bytes() > maxBatchBytes) {
			all = append(all, jobs[first:i])
			first, size = i, 0
		}
		size += j.bytes()
	}
	return append(all, jobs[first:])
}

func (l *Lane) add(entries []*entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, entries...)
	if !l.busy {
		l.busy = true
		l.running.Go(l.run)
	}
}

// run makes calls until nobody waits.
func (l *Lane) run() {
	for {
		batch, seq := l.next()
		if batch == nil {
			return
		}
		l.send(batch, seq)
	}
}

// next takes what fits the next call.
func (l *Lane) next() ([]*entry, uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		l.busy = false
		return nil, 0
	}
	n, jobs, size := 0, 0, 0
	for _, e := range l.waiting {
		jobs += len(e.jobs)
		for _, j := range e.jobs {
			size += j.bytes()
		}
		if n > 0 && (jobs > maxBatchJobs || size > maxBatchBytes) {
			break
		}
		n++
	}
	batch := l.waiting[:n:n]
	l.waiting = l.waiting[n:]
	l.seq++
	return batch, l.seq
}

// send makes one call and repeats it while its answer is not known.
func (l *Lane) send(batch []*entry, seq uint64) {
	var jobs []*NewJob
	for _, e := range batch {
		jobs = append(jobs, e.jobs...)
	}
	ctx, cancel := context.WithDeadline(context.Background(), batch[0].deadline)
	defer cancel()
	stored, err := l.partition.enqueue(ctx, l.name, seq, jobs)
	for backoff := (redis.Backoff{}); retryable(err) && backoff.Wait(ctx); {
		stored, err = l.partition.enqueue(ctx, l.name, seq, jobs)
	}
	for _, e := range batch {
		if e.err = err; err == nil {
			e.stored, stored = stored[:len(e.jobs)], stored[len(e.jobs):]
		}
		close(e.done)
	}
}

// Close waits for the call that is on the wire. Nothing may be enqueued after it.
func (l *Lane) Close() { l.running.Wait() }
