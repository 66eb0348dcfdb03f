package scheduler

import (
	"context"
	"errors"
	"time"

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

// delivery brings ticks of one route to their partition, beside the rounds.
type delivery struct {
	scheduler *Scheduler
	box       schedules.Box
	route     route
	writer    *jobs.Writer
	ticks     []*tick // those of a schedule in order

	clearings []schedules.Clearing // what became of ticks
	stayed    map[string]bool      // schedules of which a tick stays until something else happens
	failed    *jobs.Partition      // where err came from
	err       error
}

// tick is one that is to become a job.
type tick struct {
	taken       schedules.Taken
	declaration *schedules.Declaration
	to          *jobs.Partition
	id          string // of the job
}

// run decides on the ticks, enqueues their jobs and takes note of what became of them.
func (d *delivery) run(ctx context.Context) {
	d.stayed = map[string]bool{}
	running, err := d.running(ctx)
	if err != nil {
		d.fail(d.route.last, err)
		return
	}
	jobs, err := d.decide(ctx, running)
	if err != nil {
		d.fail(d.route.last, err)
		return
	}
	if err := d.send(ctx, jobs); err != nil {
		d.fail(d.route.to, err)
	}
}

func (d *delivery) fail(at *jobs.Partition, err error) { d.failed, d.err = at, err }

// running says which of the last jobs of schedules have not ended, where that matters.
func (d *delivery) running(ctx context.Context) (map[string]bool, error) {
	running := map[string]bool{}
	if d.route.last == nil {
		return running, nil
	}
	var ids []string
	for _, t := range d.ticks {
		if id := t.taken.Last.ID; len(ids) == 0 || ids[len(ids)-1] != id {
			ids = append(ids, id)
		}
	}
	for len(ids) > 0 {
		n := min(len(ids), jobs.MaxPage)
		infos, err := d.route.last.Inspect(ctx, ids[:n]...)
		if err != nil {
			return nil, err
		}
		for i, info := range infos {
			running[ids[i]] = info != nil && !info.State.Ended()
		}
		ids = ids[n:]
	}
	return running, nil
}

// decide applies the overlap policies, and gives the ticks that are to be enqueued.
func (d *delivery) decide(ctx context.Context, running map[string]bool) ([]*ticket, error) {
	var out []*ticket
	stuck := map[string]bool{}
	for _, t := range d.ticks {
		id, overlap := t.taken.Schedule, t.declaration.Overlap
		if stuck[id] {
			continue
		}
		v := judge(t.declaration, d.box, t.taken.Waiting, running[t.taken.Last.ID])
		// What becomes of the next tick depends on what has become of this one.
		stuck[id] = v == stay || overlap != schedules.OverlapAllow && v != skip
		if (v == send || v == replace) && t.to != d.route.to { // it leads another one's way
			continue
		}
		switch v {
		case stay:
			d.stayed[id] = true
		case wait:
			d.clearings = append(d.clearings, schedules.Clearing{Taken: t.taken, Wait: true})
		case skip:
			d.scheduler.metrics.skipped.WithLabelValues(string(overlap)).Inc()
			event := &schedules.Event{Tick: t.taken.Tick, At: t.taken.Now, Outcome: schedules.Skipped}
			d.clearings = append(d.clearings, schedules.Clearing{Taken: t.taken, Event: event})
		case replace:
			if err := d.cancel(ctx, t.taken.Last.ID); err != nil {
				return nil, err
			}
			out = append(out, newTicket(t, d.scheduler.client.Now()))
		case send:
			out = append(out, newTicket(t, d.scheduler.client.Now()))
		}
	}
	return out, nil
}

// cancel ends the job that the next one replaces, if it has not ended by itself.
func (d *delivery) cancel(ctx context.Context, id string) error {
	err := d.route.last.Cancel(ctx, id)
	if errors.Is(err, drayhorse.ErrNotFound) {
		return nil
	}
	d.scheduler.metrics.replaced.Inc()
	return err
}

// ticket is a tick and its job.
type ticket struct {
	taken schedules.Taken
	job   *jobs.NewJob
}

func newTicket(t *tick, now time.Time) *ticket {
	job := t.declaration.Job(t.id, t.taken.Tick, now)
	job.Guarded = true
	if due := t.declaration.Due(t.taken.Tick); due.After(t.taken.Tick) {
		job.At, job.Envelope.DueAt = due, due
	}
	return &ticket{t.taken, job}
}

// send enqueues the jobs, and takes note of what is to be cleared for those that are
// stored.
func (d *delivery) send(ctx context.Context, tickets []*ticket) error {
	for len(tickets) > 0 {
		n := fits(tickets)
		call := make([]*jobs.NewJob, n)
		for i := range call {
			call[i] = tickets[i].job
		}
		end := d.trace(ctx, call)
		stored, err := d.writer.Enqueue(ctx, call...)
		end(stored, err)
		if err != nil {
			return err
		}
		for i, s := range stored {
			if s.Full {
				continue
			}
			c, err := d.stored(ctx, tickets[i], s)
			if err != nil {
				return err
			}
			d.clearings = append(d.clearings, c)
		}
		if err := d.route.to.FullError(stored...); err != nil {
			return err // what did not fit comes again
		}
		tickets = tickets[n:]
	}
	return nil
}

// trace gives jobs that are about to be enqueued their traces, each one of its own.
// end is to be called with the outcome.
func (d *delivery) trace(ctx context.Context, call []*jobs.NewJob) (end func([]jobs.Stored, error)) {
	tracer, queue := d.scheduler.cfg.Tracer, d.route.to.Queue
	if tracer == nil {
		return func([]jobs.Stored, error) {}
	}
	ends := make([]func([]*drayhorse.Info, error), len(call))
	for i, job := range call {
		job.Envelope.Trace, ends[i] = tracer.Enqueue(ctx, drayhorse.Batch{Queue: queue, Kind: job.Envelope.Kind, Jobs: 1})
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
func (d *delivery) stored(ctx context.Context, t *ticket, s jobs.Stored) (schedules.Clearing, error) {
	place := schedules.Place{Queue: d.route.to.Queue, ID: t.job.ID}
	event := &schedules.Event{Tick: t.taken.Tick, At: s.Now, Outcome: schedules.Enqueued, Queue: place.Queue, JobID: place.ID}
	if s.Duplicate {
		_, err := d.route.to.Get(ctx, t.job.ID)
		if errors.Is(err, drayhorse.ErrNotFound) {
			event.Outcome = schedules.Duplicate
		} else if err != nil {
			return schedules.Clearing{}, err
		}
	} else {
		d.scheduler.metrics.fired.Inc()
		d.scheduler.metrics.late.Observe(max(s.Now.Sub(t.taken.Tick), 0).Seconds())
	}
	return schedules.Clearing{Taken: t.taken, Event: event, Job: place}, nil
}
