package producer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
)

// Enqueue stores one job and says where it stands. A job whose ID is known already
// is no error: Info.Duplicate is true, and Info is the job that was there.
//
// The errors are drayhorse.ErrInvalid for impossible values, with nothing stored;
// ErrFull if Redis is out of memory, with nothing stored; and ErrUnavailable, within
// 5 s or at ctx's end, after which the job may be stored or not: enqueue again with
// an ID of your own to be sure of one.
func (p *Producer) Enqueue(ctx context.Context, args drayhorse.Args, options ...drayhorse.Option) (*drayhorse.Info, error) {
	job, queue, err := p.prepare(args, options)
	if err != nil {
		return nil, err
	}
	l, err := p.line(ctx, queue)
	if err != nil {
		return nil, err
	}
	lane, err := l.assign(job)
	if err != nil {
		return nil, err
	}
	stored, err := lane.Enqueue(ctx, job)
	if err != nil {
		return nil, err
	}
	return p.info(ctx, lane.Partition(), job, stored[0])
}

// EnqueueMany stores jobs of any kinds and queues in few round trips and gives their
// Infos in the order of the specs. All specs are validated first: a bad one refuses
// all, and the error names its index. After any other error some of the jobs may be
// stored; those that are known to be have an Info, the others nil.
func (p *Producer) EnqueueMany(ctx context.Context, specs []drayhorse.Spec) ([]*drayhorse.Info, error) {
	if len(specs) > MaxMany {
		return nil, fmt.Errorf("%w: %d specs at once; want at most %d", drayhorse.ErrInvalid, len(specs), MaxMany)
	}
	all := make([]*jobs.NewJob, len(specs))
	queues := make([]string, len(specs))
	for i, spec := range specs {
		var err error
		if all[i], queues[i], err = p.prepare(spec.Args, spec.Options); err != nil {
			return nil, fmt.Errorf("spec %d: %w", i, err)
		}
	}
	groups, err := p.group(ctx, all, queues)
	if err != nil {
		return nil, err
	}
	infos := make([]*drayhorse.Info, len(specs))
	errs := make([]error, len(groups))
	done := make(chan struct{}, len(groups))
	for i, g := range groups {
		go func() {
			errs[i] = p.enqueueGroup(ctx, g, infos)
			done <- struct{}{}
		}()
	}
	for range groups {
		<-done
	}
	return infos, errors.Join(errs...)
}

// group is the part of an EnqueueMany that goes one way.
type group struct {
	lane  *jobs.Lane
	jobs  []*jobs.NewJob
	index []int // of each in the specs
}

// group sorts jobs by the lanes they take, in the order of the specs.
func (p *Producer) group(ctx context.Context, all []*jobs.NewJob, queues []string) ([]*group, error) {
	byLane := map[*jobs.Lane]*group{}
	chosen := map[*jobs.Partition]*jobs.Lane{} // one lane a partition keeps the order
	var groups []*group
	for i, job := range all {
		l, err := p.line(ctx, queues[i])
		if err != nil {
			return nil, err
		}
		lane, err := l.assign(job)
		if err != nil {
			return nil, err
		}
		if first, ok := chosen[lane.Partition()]; ok {
			lane = first
		} else {
			chosen[lane.Partition()] = lane
		}
		g := byLane[lane]
		if g == nil {
			g = &group{lane: lane}
			byLane[lane] = g
			groups = append(groups, g)
		}
		g.jobs, g.index = append(g.jobs, job), append(g.index, i)
	}
	return groups, nil
}

func (p *Producer) enqueueGroup(ctx context.Context, g *group, infos []*drayhorse.Info) error {
	stored, err := g.lane.Enqueue(ctx, g.jobs...)
	for i := range stored {
		info, infoErr := p.info(ctx, g.lane.Partition(), g.jobs[i], stored[i])
		if infoErr != nil {
			return errors.Join(err, infoErr)
		}
		infos[g.index[i]] = info
	}
	return err
}

// prepare validates one job and gives it with its queue. It has no ID yet, unless
// the caller chose one.
func (p *Producer) prepare(args drayhorse.Args, options []drayhorse.Option) (*jobs.NewJob, string, error) {
	if args == nil {
		return nil, "", fmt.Errorf("%w: arguments are nil", drayhorse.ErrInvalid)
	}
	settings, err := drayhorse.Resolve(options...)
	if err != nil {
		return nil, "", err
	}
	kind := args.Kind()
	if err := drayhorse.ValidateKind(kind); err != nil {
		return nil, "", err
	}
	encoded, err := drayhorse.EncodeArgs(args, p.maxArgs)
	if err != nil {
		return nil, "", err
	}
	now := time.Now()
	job := &jobs.NewJob{In: settings.In, At: settings.At, Envelope: &jobs.Envelope{
		Kind: kind, MaxAttempts: settings.MaxAttempts, Timeout: settings.Timeout, Retain: settings.Retain,
		EnqueuedAt: now, Args: encoded,
	}}
	if settings.Given.Has(drayhorse.FieldID) {
		job.ID, job.Envelope.OwnID = jobs.PackID(settings.ID), true
	}
	switch {
	case settings.In > 0:
		job.Envelope.DueAt = now.Add(settings.In)
	case settings.At.After(now):
		job.Envelope.DueAt = settings.At
	}
	return job, settings.Queue, nil
}

// info says where a job stands right after it was stored. A duplicate is looked up.
func (p *Producer) info(ctx context.Context, part *jobs.Partition, job *jobs.NewJob, stored jobs.Stored) (*drayhorse.Info, error) {
	if stored.Duplicate {
		info, err := part.Get(ctx, job.ID)
		if errors.Is(err, drayhorse.ErrNotFound) { // it ended and went since it was found
			info, err = &drayhorse.Info{ID: jobs.UnpackID(job.ID), Queue: part.Queue, State: drayhorse.Completed}, nil
		}
		if err != nil {
			return nil, err
		}
		info.Duplicate = true
		return info, nil
	}
	e := job.Envelope
	info := &drayhorse.Info{
		ID: jobs.UnpackID(job.ID), Kind: e.Kind, Queue: part.Queue, State: drayhorse.Available, Attempt: 1,
		MaxAttempts: e.MaxAttempts, EnqueuedAt: e.EnqueuedAt, Tick: e.Tick, Args: e.Args,
	}
	due := job.At
	if job.In > 0 {
		due = stored.Now.Add(job.In)
	}
	if due.After(stored.Now) {
		info.State, info.DueAt = drayhorse.Scheduled, due
	}
	return info, nil
}
