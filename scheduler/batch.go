package scheduler

import (
	"context"
	"errors"
	"sync"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/schedules"
)

// The most that goes to a partition in one call. All of it is stored or nothing,
// so that no later tick is stored without the earlier ones.
const (
	maxCallJobs  = 500
	maxCallBytes = 512 << 10
)

// batch is the jobs of one dispatch, by partition.
type batch struct {
	*pass

	parts map[*jobs.Partition][]*ticket
}

// ticket is one tick that becomes a job.
type ticket struct {
	taken schedules.Taken
	job   *jobs.NewJob
}

func newBatch(p *pass) *batch { return &batch{pass: p, parts: map[*jobs.Partition][]*ticket{}} }

// add makes the job of a tick.
func (b *batch) add(ctx context.Context, t schedules.Taken, d *schedules.Declaration) error {
	job := d.Job(schedules.JobID(t.Schedule, t.Tick), t.Tick)
	job.Guarded = true
	if due := d.Due(t.Tick); due.After(t.Tick) {
		job.At, job.Envelope.DueAt = due, due
	}
	part, err := b.partition(ctx, schedules.Place{Queue: t.Queue, ID: job.ID})
	if err != nil {
		return err
	}
	b.parts[part] = append(b.parts[part], &ticket{t, job})
	return nil
}

// send enqueues the jobs, and gives what is to be cleared for those that are
// stored. Partitions do not wait for each other, and one that fails gets nothing
// more in this pass.
func (b *batch) send(ctx context.Context) []schedules.Clearing {
	var mu sync.Mutex
	var out []schedules.Clearing
	var sending sync.WaitGroup
	for part, tickets := range b.parts {
		if b.blocked[part] {
			continue
		}
		lane := b.lane(part)
		sending.Go(func() {
			done, err := b.sendTo(ctx, lane, tickets)
			mu.Lock()
			defer mu.Unlock()
			out = append(out, done...)
			if err != nil {
				b.blocked[part] = true
				b.failed = errors.Join(b.failed, err)
			}
		})
	}
	sending.Wait()
	return out
}

// lane gives the way into a partition.
func (l *leader) lane(part *jobs.Partition) *jobs.Lane {
	lane := l.lanes[part]
	if lane == nil {
		lane = jobs.NewLane(part)
		l.lanes[part] = lane
	}
	return lane
}

func (b *batch) sendTo(ctx context.Context, lane *jobs.Lane, tickets []*ticket) ([]schedules.Clearing, error) {
	var done []schedules.Clearing
	for len(tickets) > 0 {
		n := fits(tickets)
		call := make([]*jobs.NewJob, n)
		for i := range call {
			call[i] = tickets[i].job
		}
		end := b.trace(ctx, lane.Partition().Queue, call)
		stored, err := lane.Enqueue(ctx, call...)
		end(stored, err)
		if err != nil {
			return done, err
		}
		for i, s := range stored {
			c, err := b.stored(ctx, lane.Partition(), tickets[i], s)
			if err != nil {
				return done, err
			}
			done = append(done, c)
		}
		tickets = tickets[n:]
	}
	return done, nil
}

// trace gives jobs that are about to be enqueued their traces, each one of its own.
// end is to be called with the outcome.
func (b *batch) trace(ctx context.Context, queue string, call []*jobs.NewJob) (end func([]jobs.Stored, error)) {
	if b.cfg.Tracer == nil {
		return func([]jobs.Stored, error) {}
	}
	ends := make([]func([]*drayhorse.Info, error), len(call))
	for i, job := range call {
		job.Envelope.Trace, ends[i] = b.cfg.Tracer.Enqueue(ctx, drayhorse.Batch{Queue: queue, Kind: job.Envelope.Kind, Jobs: 1})
	}
	return func(stored []jobs.Stored, err error) {
		for i, job := range call {
			var known []*drayhorse.Info
			if i < len(stored) {
				known = []*drayhorse.Info{{ID: jobs.UnpackID(job.ID), Queue: queue, Kind: job.Envelope.Kind, Duplicate: stored[i].Duplicate}}
			}
			ends[i](known, err)
		}
	}
}

// fits says how many of the tickets go in one call.
func fits(tickets []*ticket) int {
	n, size := 0, 0
	for _, t := range tickets[:min(len(tickets), maxCallJobs)] {
		size += len(t.job.Envelope.Args) + 512 // more than all else takes
		if n > 0 && size > maxCallBytes {
			break
		}
		n++
	}
	return n
}

// stored takes note of a tick that is in its queue. A duplicate of which the queue
// knows the job was enqueued by somebody who could not say so any more.
func (b *batch) stored(ctx context.Context, part *jobs.Partition, t *ticket, s jobs.Stored) (schedules.Clearing, error) {
	place := schedules.Place{Queue: part.Queue, ID: t.job.ID}
	event := &schedules.Event{Tick: t.taken.Tick, At: s.Now, Outcome: schedules.Enqueued, Queue: place.Queue, JobID: place.ID}
	if s.Duplicate {
		_, err := part.Get(ctx, t.job.ID)
		if errors.Is(err, drayhorse.ErrNotFound) {
			event.Outcome = schedules.Duplicate
		} else if err != nil {
			return schedules.Clearing{}, err
		}
	} else {
		b.metrics.fired.Inc()
		b.metrics.late.Observe(max(s.Now.Sub(t.taken.Tick), 0).Seconds())
	}
	return schedules.Clearing{Taken: t.taken, Event: event, Job: place}, nil
}
