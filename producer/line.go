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
	next       atomic.Uint32  // the partition of the next job without an ID
}

// line gives the way into a queue. The first time it looks the server over and
// creates the queue where there is none.
func (p *Producer) line(ctx context.Context, queue string) (*line, error) {
	p.mu.RLock()
	l, closed := p.lines[queue], p.closed
	p.mu.RUnlock()
	if closed {
		return nil, drayhorse.ErrClosed
	}
	if l != nil {
		return l, nil
	}
	if err := p.check(ctx); err != nil {
		return nil, err
	}
	partitions, err := p.engine.Queue(ctx, queue)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, drayhorse.ErrClosed
	}
	if l = p.lines[queue]; l == nil {
		l = newLine(partitions, p.patient)
		p.lines[queue] = l
	}
	return l, nil
}

// check looks the server over, once.
func (p *Producer) check(ctx context.Context) error {
	p.mu.RLock()
	checked := p.checked
	p.mu.RUnlock()
	if checked {
		return nil
	}
	if err := p.client.Check(ctx); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.checked = true
	return nil
}

func newLine(partitions []*jobs.Partition, patience time.Duration) *line {
	return &line{partitions: partitions, lanes: newLanes(partitions, patience), durable: newLanes(partitions, patience)}
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

// place gives the partition of a job: that of its ID, else the next one in turn.
func (l *line) place(job *jobs.NewJob) *jobs.Partition {
	if job.ID != "" {
		return jobs.PartitionOf(l.partitions, job.ID)
	}
	return l.partitions[int(l.next.Add(1))%len(l.partitions)]
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

func (l *line) close() {
	for _, lanes := range slices.Concat(l.lanes, l.durable) {
		for _, lane := range lanes {
			lane.Close()
		}
	}
}
