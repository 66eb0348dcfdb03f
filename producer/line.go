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

// lanesEach is how many lanes a producer has into each partition: while one waits
// long for its answer, another gathers and sends.
const lanesEach = 2

// line is a producer's way into a queue.
type line struct {
	partitions []*jobs.Partition
	lanes      [][]*jobs.Lane // by partition
	durable    [][]*jobs.Lane // by partition: for jobs that replicas must confirm
	fit        []atomic.Bool  // by partition: its server can hold jobs
	next       atomic.Uint32  // the partition of the next job without an ID
	used       atomic.Bool    // the keeper has been told
}

// line gives the way into a queue. The first time it looks at the server that has the
// registry, and creates the queue where there is none.
func (p *Producer) line(ctx context.Context, queue string) (*line, error) {
	if l := p.known(queue); l != nil {
		return l, nil
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
	l := p.lines[queue]
	if l == nil {
		p.forget()
		l = newLine(partitions, p.patient)
		p.lines[queue] = l
	}
	return l, nil
}

func (p *Producer) known(queue string) *line {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.lines[queue]
}

// meet asks for the queues that are not known yet, in one call. What goes wrong shows
// when their lines are asked for.
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

func newLine(partitions []*jobs.Partition, patience time.Duration) *line {
	return &line{
		partitions: partitions, lanes: newLanes(partitions, patience), durable: newLanes(partitions, patience),
		fit: make([]atomic.Bool, len(partitions)),
	}
}

func newLanes(partitions []*jobs.Partition, patience time.Duration) [][]*jobs.Lane {
	lanes := make([][]*jobs.Lane, len(partitions))
	for i, part := range partitions {
		for range lanesEach {
			lane := jobs.NewLane(part)
			lane.Patience = patience
			lanes[i] = append(lanes[i], lane)
		}
	}
	return lanes
}

// place gives the partition of a job: where it belongs, else the next one in turn.
func (l *line) place(job *jobs.NewJob) *jobs.Partition {
	if part := jobs.PlaceOf(l.partitions, job); part != nil {
		return part
	}
	return l.partitions[int(l.next.Add(1))%len(l.partitions)]
}

// check looks at the server that has a partition, until it has been found fit.
func (l *line) check(ctx context.Context, part *jobs.Partition) error {
	if l.fit[part.Index].Load() {
		return nil
	}
	if err := part.Check(ctx); err != nil {
		return err
	}
	l.fit[part.Index].Store(true)
	return nil
}

// lane gives the way that a job takes into its partition: the first lane that is not
// crowded. Jobs that wait for replicas keep no others waiting.
func (l *line) lane(part *jobs.Partition, job *jobs.NewJob) *jobs.Lane {
	lanes := l.lanes[part.Index]
	if job.Durable > 0 {
		lanes = l.durable[part.Index]
	}
	for _, lane := range lanes {
		if !lane.Crowded() {
			return lane
		}
	}
	return lanes[rand.IntN(len(lanes))] //nolint:gosec // not a secret
}

// close waits for what is on the wire.
func (l *line) close() {
	for _, lanes := range slices.Concat(l.lanes, l.durable) {
		for _, lane := range lanes {
			lane.Close()
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
