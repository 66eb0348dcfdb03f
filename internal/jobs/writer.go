package jobs

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// Patience is how long an enqueue goes on trying while Redis is away, where its writer
// has no patience of its own.
const Patience = 5 * time.Second

// hurry is how long a caller makes its call itself. While it waits for Redis it does
// not see its context end.
const hurry = 50 * time.Millisecond

const (
	// longCall is the time of a call from which on callers do not wait for its end.
	longCall = 2 * time.Millisecond
	// crowd is how many callers share the next call before others go elsewhere.
	crowd = 100
)

// Writer is a producer's way into a partition. Calls that come while one is on the
// wire share the next one, so that batches grow by themselves under load and
// nothing ever waits for a timer. Each call has a number, and the last one is
// repeated until its answer is known: a lost reply makes no second copy.
type Writer struct {
	// Patience is how long an enqueue goes on trying while Redis is away, after its last
	// answer: below the time for which an answer is kept. 0: Patience. Set it before the
	// first call.
	Patience time.Duration

	partition *Partition
	keys      *writerKeys

	mu      sync.Mutex
	seq     uint64
	waiting []*entry
	busy    bool
	batch   batch         // the call that is made now, if busy
	took    time.Duration // by the last call
	heard   time.Time     // when Redis last did what a call asked for
	idle    sync.Cond     // of mu: busy is false again
}

// batch is one call: what shares it, its number, and what it came to.
type batch struct {
	entries  []*entry
	seq      uint64
	jobs     []*NewJob // of all entries
	stored   []Stored
	replicas int
}

// entry is one caller's jobs on their way.
type entry struct {
	jobs     []*NewJob
	deadline time.Time
	stored   []Stored
	replicas int // that have confirmed
	err      error
	done     chan struct{} // has room for the one who says that all is known

	one [1]*NewJob // jobs, where there is one
}

// entries are those that nobody uses.
var entries = sync.Pool{New: func() any { return &entry{done: make(chan struct{}, 1)} }}

func newEntry(deadline time.Time) *entry {
	e, _ := entries.Get().(*entry)
	e.deadline = deadline
	return e
}

// free gives back an entry after its end.
func (e *entry) free() {
	*e = entry{stored: e.stored[:0], done: e.done}
	entries.Put(e)
}

// wait returns when it is known what became of an entry, or at ctx's end; then the
// entry is left to whoever has it.
func (e *entry) wait(ctx context.Context) error {
	select {
	case <-e.done:
	case <-ctx.Done():
		return failure("enqueue", ctx.Err())
	}
	if e.err != nil {
		return failure("enqueue", e.err)
	}
	return nil
}

// missed is the error to give if too few replicas have confirmed the jobs.
func (e *entry) missed() error {
	if n := durable(e.jobs); n > e.replicas {
		return fmt.Errorf("enqueue: %w", &drayhorse.ReplicationError{Want: n, Confirmed: e.replicas})
	}
	return nil
}

// NewWriter makes a writer. Close waits for its last call.
func NewWriter(p *Partition) *Writer {
	w := &Writer{partition: p, keys: newWriterKeys(p, uuid.NewString())}
	w.idle.L = &w.mu
	return w
}

// Partition is where the writer leads.
func (w *Writer) Partition() *Partition { return w.partition }

// Crowded reports whether a caller does better with another writer: a call is on the
// wire, and it takes long or many wait for the next one. Otherwise a caller is better
// off with others: the larger the calls, the less each job costs.
func (w *Writer) Crowded() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.busy && (w.took > longCall || len(w.waiting) >= crowd)
}

// Busy reports whether a call is on the wire, or jobs wait for one.
func (w *Writer) Busy() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.busy || len(w.waiting) > 0
}

// Enqueue stores jobs, all or none if they fit one call. More than that go in
// several calls, and an error may then mean that the first of them are stored. It
// returns at ctx's end, or after its patience while Redis is away, with
// drayhorse.ErrUnavailable: what was on the wire may be stored or not. After a
// drayhorse.ReplicationError everything is stored.
func (w *Writer) Enqueue(ctx context.Context, jobs ...*NewJob) ([]Stored, error) {
	stored := make([]Stored, 0, len(jobs))
	err := w.EnqueueEach(ctx, jobs, func(some []Stored) { stored = append(stored, some...) })
	return stored, err
}

// EnqueueOne stores one job as Enqueue does. known is false if an error leaves it open
// what became of it.
func (w *Writer) EnqueueOne(ctx context.Context, job *NewJob) (stored Stored, known bool, err error) {
	if err := ctx.Err(); err != nil {
		return Stored{}, false, failure("enqueue", err)
	}
	if err := job.encode(w.partition); err != nil {
		return Stored{}, false, fmt.Errorf("enqueue: %w", err)
	}
	e := newEntry(time.Now().Add(w.patience()))
	e.one[0] = job
	e.jobs = e.one[:]
	w.add(ctx, e, true)
	if err := e.wait(ctx); err != nil {
		return Stored{}, false, err
	}
	defer e.free()
	return e.stored[0], true, e.missed()
}

func (w *Writer) patience() time.Duration { return cmp.Or(w.Patience, Patience) }

// EnqueueEach stores jobs as Enqueue does, and tells the caller's answered what became
// of the first ones while the next are on the wire.
func (w *Writer) EnqueueEach(ctx context.Context, jobs []*NewJob, answered func(some []Stored)) error {
	if err := ctx.Err(); err != nil {
		return failure("enqueue", err)
	}
	var all []*entry
	deadline := time.Now().Add(w.patience())
	var failed error
	for rest := jobs; len(rest) > 0; {
		var first []*NewJob
		if first, rest, failed = w.split(rest); failed != nil {
			break // what is on its way already goes on
		}
		e := newEntry(deadline)
		e.jobs = first
		all = append(all, e)
		w.add(ctx, e, len(e.jobs) == len(jobs))
	}
	var missed error
	for _, e := range all {
		if err := e.wait(ctx); err != nil {
			return err
		}
		answered(e.stored)
		missed = cmp.Or(missed, e.missed())
		e.free()
	}
	return cmp.Or(failed, missed)
}

// split encodes the first jobs, as many as fit a call. While they are on the wire the
// next ones can be.
func (w *Writer) split(jobs []*NewJob) (first, rest []*NewJob, err error) {
	size := 0
	for i, j := range jobs {
		if err := j.encode(w.partition); err != nil {
			return nil, nil, fmt.Errorf("enqueue: %w", err)
		}
		size += j.bytes()
		if i > 0 && (i == maxBatchJobs || size > maxBatchBytes) {
			return jobs[:i], jobs[i:], nil
		}
	}
	return jobs, nil, nil
}

// add puts an entry in line. The writer's own goroutine makes the calls; or, if nobody
// else is there and the caller has no more, the caller itself: to wake another
// goroutine would double the time of a lone Enqueue.
func (w *Writer) add(ctx context.Context, e *entry, alone bool) {
	w.mu.Lock()
	w.waiting = append(w.waiting, e)
	if w.busy {
		w.mu.Unlock()
		return
	}
	w.busy = true
	var left *batch // that the caller did not come to know the answer of
	if alone && w.took < hurry/2 {
		b := w.next()
		w.mu.Unlock()
		if !w.try(ctx, b) {
			left = b
		}
		w.mu.Lock()
	}
	if left != nil || len(w.waiting) > 0 {
		go w.run(left)
	} else {
		w.rest()
	}
	w.mu.Unlock()
}

// try makes one call in the caller's goroutine. It reports false if the answer is
// not known: the same call, made again, tells.
func (w *Writer) try(ctx context.Context, b *batch) bool {
	deadline := b.entries[0].deadline
	if ctx.Done() != nil {
		deadline = time.Now().Add(hurry)
	}
	err := w.call(ctx, b, deadline)
	if retryable(err) {
		return false
	}
	b.settle(err)
	return true
}

// run makes calls, first of all the one that is left, until nobody waits.
func (w *Writer) run(left *batch) {
	for b := left; ; b = nil {
		if b == nil {
			// Callers that just heard of their jobs are about to bring the next ones.
			runtime.Gosched()
			w.mu.Lock()
			b = w.next()
			w.mu.Unlock()
		}
		if b == nil {
			return
		}
		w.send(b)
	}
}

// rest notes that no call is made. Callers hold mu.
func (w *Writer) rest() {
	w.busy = false
	w.idle.Broadcast()
}

// next takes what fits the next call, or notes that there is nothing to do. Callers
// hold mu.
func (w *Writer) next() *batch {
	if len(w.waiting) == 0 {
		w.rest()
		return nil
	}
	w.seq++
	b := &w.batch
	*b = batch{seq: w.seq, entries: b.entries[:0], jobs: b.jobs[:0], stored: b.stored[:0]}
	size := 0
	for _, e := range w.waiting {
		for _, j := range e.jobs {
			size += j.bytes()
		}
		if len(b.entries) > 0 && (len(b.jobs)+len(e.jobs) > maxBatchJobs || size > maxBatchBytes) {
			break
		}
		b.entries, b.jobs = append(b.entries, e), append(b.jobs, e.jobs...)
	}
	left := copy(w.waiting, w.waiting[len(b.entries):])
	clear(w.waiting[left:])
	w.waiting = w.waiting[:left]
	return b
}

// send makes one call and repeats it while its answer is not known.
func (w *Writer) send(b *batch) {
	deadline := w.deadline(b)
	err := w.call(context.Background(), b, deadline)
	if retryable(err) {
		ctx, cancel := context.WithDeadline(context.Background(), deadline)
		defer cancel()
		for backoff := (redis.Backoff{}); retryable(err) && backoff.Wait(ctx); {
			err = w.call(ctx, b, deadline)
		}
	}
	b.settle(err)
}

// deadline is how long a call may be tried: for its callers' patience, which counts
// from the last answer. While Redis is busy with calls before, it is not away.
func (w *Writer) deadline(b *batch) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	deadline := b.entries[0].deadline
	if later := w.heard.Add(w.patience()); later.After(deadline) {
		return later
	}
	return deadline
}

// call runs the script, once.
func (w *Writer) call(ctx context.Context, b *batch, deadline time.Time) (err error) {
	begun := time.Now()
	b.stored, b.replicas, err = w.partition.enqueue(redis.Until(ctx, deadline), w.keys, b.seq, b.jobs, b.stored[:0])
	now := time.Now()
	w.mu.Lock()
	w.took = now.Sub(begun)
	if err == nil {
		w.heard = now
	}
	w.mu.Unlock()
	return err
}

// settle tells the callers what became of their jobs, and forgets them.
func (b *batch) settle(err error) {
	stored := b.stored
	for _, e := range b.entries {
		e.replicas = b.replicas
		if e.err = err; err == nil {
			n := len(e.jobs)
			e.stored, stored = append(e.stored[:0], stored[:n]...), stored[n:]
		}
		e.done <- struct{}{} // from here on the entry is its caller's
	}
	clear(b.entries)
	clear(b.jobs)
}

// Close waits for the call that is on the wire, and those that wait behind it. Nothing
// may be enqueued after it.
func (w *Writer) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.busy {
		w.idle.Wait()
	}
}
