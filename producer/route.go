package producer

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
)

// writersEach is how many writers a producer has into each partition: while one waits
// long for its answer, another gathers and sends.
const writersEach = 2

// route is a producer's way into a queue.
type route struct {
	partitions []*jobs.Partition
	writers    [][]*jobs.Writer // by partition
	durable    [][]*jobs.Writer // by partition: for jobs that replicas must confirm
	fit        []atomic.Bool    // by partition: its server can hold jobs
	next       atomic.Uint32    // the partition of the next job without an ID
	used       atomic.Bool      // the keeper has been told
}

// route gives the way into a queue. The first time it looks at the server that has the
// registry, and creates the queue where there is none.
func (p *Producer) route(ctx context.Context, queue string) (*route, error) {
	if r := p.known(queue); r != nil {
		return r, nil
	}
	if err := p.engine.Check(ctx); err != nil {
		return nil, err
	}
	if err := p.mayCreate(ctx, queue); err != nil {
		return nil, err
	}
	partitions, err := p.engine.Queue(ctx, queue)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.routes[queue]
	if r == nil {
		p.forget()
		r = newRoute(partitions, p.patient)
		p.routes[queue] = r
	}
	return r, nil
}

func (p *Producer) known(queue string) *route {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.routes[queue]
}

// meet asks for the queues that are not known yet, in one call. What goes wrong shows
// when their routes are asked for.
func (p *Producer) meet(ctx context.Context, queues []string) {
	var unknown []string
	for i, queue := range queues {
		if (i == 0 || queue != queues[i-1]) && p.known(queue) == nil {
			unknown = append(unknown, queue)
		}
	}
	slices.Sort(unknown)
	if unknown = slices.Compact(unknown); len(unknown) > 1 && p.engine.Check(ctx) == nil {
		_, _ = p.engine.Meet(ctx, unknown)
	}
}

func newRoute(partitions []*jobs.Partition, patience time.Duration) *route {
	return &route{
		partitions: partitions, writers: newWriters(partitions, patience), durable: newWriters(partitions, patience),
		fit: make([]atomic.Bool, len(partitions)),
	}
}

func newWriters(partitions []*jobs.Partition, patience time.Duration) [][]*jobs.Writer {
	writers := make([][]*jobs.Writer, len(partitions))
	for i, part := range partitions {
		for range writersEach {
			writer := jobs.NewWriter(part)
			writer.Patience = patience
			writers[i] = append(writers[i], writer)
		}
	}
	return writers
}

// place gives the partition of a job: where it belongs, else the next one in turn. The error is
// drayhorse.ErrInvalid.
func (r *route) place(job *jobs.NewJob) (*jobs.Partition, error) {
	if part, err := jobs.PlaceOf(r.partitions, job); part != nil || err != nil {
		return part, err
	}
	return r.partitions[int(r.next.Add(1))%len(r.partitions)], nil
}

// check looks at the server that has a partition, until it has been found fit.
func (r *route) check(ctx context.Context, part *jobs.Partition) error {
	if r.fit[part.Index].Load() {
		return nil
	}
	if err := part.Check(ctx); err != nil {
		return err
	}
	r.fit[part.Index].Store(true)
	return nil
}

// writer gives the way that a job takes into its partition: the first writer that is not
// crowded. Jobs that wait for replicas keep no others waiting.
func (r *route) writer(part *jobs.Partition, job *jobs.NewJob) *jobs.Writer {
	writers := r.writers[part.Index]
	if job.Durable > 0 {
		writers = r.durable[part.Index]
	}
	for _, writer := range writers {
		if !writer.Crowded() {
			return writer
		}
	}
	return writers[rand.IntN(len(writers))] //nolint:gosec // not a secret
}

// close waits for what is on the wire.
func (r *route) close() {
	for _, writers := range slices.Concat(r.writers, r.durable) {
		for _, writer := range writers {
			writer.Close()
		}
	}
}

// enter begins a call, unless the producer is closed; leave ends it.
func (p *Producer) enter() error {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.closed {
		return drayhorse.ErrClosed
	}
	p.calls.Add(1) // never beside Close's Wait: that comes after closed
	return nil
}

func (p *Producer) leave() { p.calls.Done() }
