package producer

import (
	"context"
	"sync/atomic"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
)

// lanesEach is how many lanes a producer has into each partition: while one waits
// for its answer, the other gathers and sends.
const lanesEach = 2

// line is a producer's way into a queue.
type line struct {
	partitions []*jobs.Partition
	lanes      [][]*jobs.Lane // by partition
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
		l = newLine(partitions)
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

func newLine(partitions []*jobs.Partition) *line {
	l := &line{partitions: partitions, lanes: make([][]*jobs.Lane, len(partitions))}
	for i, part := range partitions {
		for range lanesEach {
			l.lanes[i] = append(l.lanes[i], jobs.NewLane(part))
		}
	}
	return l
}

// assign gives a job its ID, if it has none, and the lane that it takes: of its
// partition's, one where nobody waits.
func (l *line) assign(job *jobs.NewJob) (*jobs.Lane, error) {
	var index int
	if job.ID != "" {
		index = jobs.PartitionOf(l.partitions, job.ID).Index
	} else {
		index = int(l.next.Add(1)) % len(l.partitions)
		id, err := jobs.NewID(l.partitions[index])
		if err != nil {
			return nil, err
		}
		job.ID = id
	}
	lanes := l.lanes[index]
	best := lanes[0]
	for _, lane := range lanes[1:] {
		if lane.Load() < best.Load() {
			best = lane
		}
	}
	return best, nil
}

func (l *line) close() {
	for _, lanes := range l.lanes {
		for _, lane := range lanes {
			lane.Close()
		}
	}
}
