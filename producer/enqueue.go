package producer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	redisconn "github.com/drayhorse/drayhorse/internal/redis"
)

// Enqueue stores one job and says where it stands. A job whose ID is known already
// is no error: Info.Duplicate is true, and Info is the job that was there. Options that the
// arguments bring (drayhorse.ArgsWithOptions) come before the given ones.
//
// The errors are drayhorse.ErrDuplicate for a job that is Unique with Reject, with the Info
// of the other; drayhorse.ErrInvalid for impossible values, and for arguments whose
// Kind, Options or MarshalJSON panics, with nothing stored; ErrClosed after Close;
// ErrQueueFull if the queue has its maximum depth, with nothing stored; ErrFull if Redis is out of memory, with nothing stored; and ErrUnavailable, within
// Config.Patience or at ctx's end, after which the job may be stored or not: enqueue again with
// an ID of your own to be sure of one. With a drayhorse.ReplicationError comes the
// Info, too: the job is stored.
func (p *Producer) Enqueue(ctx context.Context, args drayhorse.Args, options ...drayhorse.Option) (*drayhorse.Info, error) {
	job, queue, err := p.prepare(new(jobs.Made), args, options, p.client.Now())
	if err != nil {
		return nil, err
	}
	return p.put(ctx, job, queue)
}

// put stores one job that was made.
func (p *Producer) put(ctx context.Context, job *jobs.NewJob, queue string) (*drayhorse.Info, error) {
	if p.metrics == nil && p.tracer == nil {
		return p.enqueue(ctx, job, queue)
	}
	end := p.watch(ctx, []*jobs.NewJob{job}, []string{queue})
	info, err := p.enqueue(ctx, job, queue)
	end([]*drayhorse.Info{info}, err)
	return info, err
}

// enqueue stores one job.
func (p *Producer) enqueue(ctx context.Context, job *jobs.NewJob, queue string) (*drayhorse.Info, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	r, err := p.route(ctx, queue)
	if err != nil {
		return nil, err
	}
	part, err := r.place(job)
	if err != nil {
		return nil, err
	}
	if err := r.check(ctx, part); err != nil {
		return nil, err
	}
	defer p.keeper.note(r)
	writer := r.writer(part, job)
	stored, known, err := writer.EnqueueOne(ctx, job)
	if !known {
		return nil, err
	}
	if stored.Full {
		return nil, part.FullError(stored)
	}
	if stored.Duplicate {
		infos, lookupErr := existing(ctx, part, []string{cmp.Or(stored.Other, job.ID)})
		if lookupErr != nil {
			return nil, lookupErr
		}
		if stored.Rejected {
			err = rejected(infos[0])
		}
		return infos[0], err
	}
	info := fresh(part, job, stored)
	return &info, err
}

// prepare validates one job, makes it and gives its queue. It has no ID yet, unless the
// caller chose one.
func (p *Producer) prepare(room *jobs.Made, args drayhorse.Args, options []drayhorse.Option, now time.Time) (job *jobs.NewJob, queue string, err error) {
	settings, err := drayhorse.ResolveArgs(args, options...)
	if err != nil {
		return nil, "", err
	}
	return p.make(room, args, settings, now)
}

// make makes a job of settings that were resolved.
func (p *Producer) make(room *jobs.Made, args drayhorse.Args, settings drayhorse.Settings, now time.Time) (job *jobs.NewJob, queue string, err error) {
	kind, err := drayhorse.KindOf(args)
	if err != nil {
		return nil, "", err
	}
	encoded, err := drayhorse.EncodeArgs(args, p.maxArgs)
	if err != nil {
		return nil, "", err
	}
	if !settings.Given.Has(drayhorse.FieldDurable) {
		settings.Durable = p.durable
	}
	job = room.Make(kind, encoded, &settings, now)
	if settings.Unique != nil {
		err = job.SetUnique(settings.Unique)
	}
	return job, settings.Queue, err
}

// rejected is the error of a job that gives way to another.
func rejected(other *drayhorse.Info) error {
	return fmt.Errorf("%w: job %s of queue %s counts as the same", drayhorse.ErrDuplicate, other.ID, other.Queue)
}

// lookupPatience is for how long the jobs that were there before are looked up.
const lookupPatience = 5 * time.Second

// existing looks up the jobs that were there before, in few round trips.
func existing(ctx context.Context, part *jobs.Partition, duplicates []string) ([]*drayhorse.Info, error) {
	var infos []*drayhorse.Info
	for ids := range slices.Chunk(duplicates, jobs.MaxPage) {
		found, err := inspect(ctx, part, ids)
		if err != nil {
			return infos, err
		}
		for i, info := range found {
			if info == nil { // it ended, and went, since it was found
				info = &drayhorse.Info{ID: jobs.UnpackID(ids[i]), Queue: part.Queue, State: drayhorse.Completed}
			}
			info.Duplicate = true
			infos = append(infos, info)
		}
	}
	return infos, nil
}

// inspect is made again while Redis is away: the jobs are stored, and looking at them
// changes nothing.
func inspect(ctx context.Context, part *jobs.Partition, ids []string) ([]*drayhorse.Info, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupPatience)
	defer cancel()
	for backoff := (redisconn.Backoff{}); ; {
		found, err := part.Inspect(ctx, ids...)
		if !errors.Is(err, drayhorse.ErrUnavailable) || !backoff.Wait(ctx) {
			return found, err
		}
	}
}

// fresh says where a job stands right after it was stored.
func fresh(part *jobs.Partition, job *jobs.NewJob, stored jobs.Stored) drayhorse.Info {
	e := job.Envelope
	info := drayhorse.Info{
		ID: jobs.UnpackID(job.ID), Kind: e.Kind, Queue: part.Queue, State: drayhorse.Available, Attempt: 1,
		MaxAttempts: e.MaxAttempts, EnqueuedAt: e.EnqueuedAt, Tick: e.Tick, Priority: e.Priority, Group: e.Group, Tags: e.Tags, Args: e.Args,
	}
	due := job.At
	if job.In > 0 {
		due = stored.Now.Add(job.In)
	}
	if due.After(stored.Now) {
		info.State, info.DueAt = drayhorse.Scheduled, due
	}
	return info
}
