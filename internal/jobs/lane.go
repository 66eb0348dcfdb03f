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
	l.add(ctx, entries)
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

// add puts entries in line. The lane's own goroutine makes the calls, or, if nobody
// else is there and ctx's end cannot come unseen while it waits for Redis, the caller
// itself: to wake another goroutine would double the time of a lone Enqueue.
func (l *Lane) add(ctx context.Context, entries []*entry) {
	l.mu.Lock()
	l.waiting = append(l.waiting, entries...)
	if l.busy {
		l.mu.Unlock()
		return
	}
	l.busy = true
	_, timed := ctx.Deadline()
	if len(entries) == 1 && (timed || ctx.Done() == nil) {
		batch, seq := l.next()
		l.mu.Unlock()
		l.send(ctx, batch, seq)
		l.mu.Lock()
	}
	if len(l.waiting) > 0 {
		l.running.Go(l.run)
	} else {
		l.busy = false
	}
	l.mu.Unlock()
}

// run makes calls until nobody waits.
func (l *Lane) run() {
	for {
		l.mu.Lock()
		batch, seq := l.next()
		l.mu.Unlock()
		if batch == nil {
			return
		}
		l.send(context.Background(), batch, seq)
	}
}

// next takes what fits the next call, or notes that there is nothing to do. Callers
// hold mu.
func (l *Lane) next() ([]*entry, uint64) {
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
func (l *Lane) send(ctx context.Context, batch []*entry, seq uint64) {
	var jobs []*NewJob
	for _, e := range batch {
		jobs = append(jobs, e.jobs...)
	}
	ctx, cancel := context.WithDeadline(ctx, batch[0].deadline)
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
