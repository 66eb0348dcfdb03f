package producer

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	if stored[0].Duplicate {
		known, err := existing(ctx, lane.Partition(), []*jobs.NewJob{job})
		if err != nil {
			return nil, err
		}
		return known[0], nil
	}
	return fresh(lane.Partition(), job, stored[0]), nil
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
	var duplicates []*jobs.NewJob
	var at []int
	for i := range stored {
		if stored[i].Duplicate {
			duplicates, at = append(duplicates, g.jobs[i]), append(at, g.index[i])
			continue
		}
		infos[g.index[i]] = fresh(g.lane.Partition(), g.jobs[i], stored[i])
	}
	known, knownErr := existing(ctx, g.lane.Partition(), duplicates)
	for i, info := range known {
		infos[at[i]] = info
	}
	return errors.Join(err, knownErr)
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

// existing looks up the jobs that were there before, in few round trips.
func existing(ctx context.Context, part *jobs.Partition, duplicates []*jobs.NewJob) ([]*drayhorse.Info, error) {
	var infos []*drayhorse.Info
	for page := range slices.Chunk(duplicates, jobs.MaxPage) {
		ids := make([]string, len(page))
		for i, job := range page {
			ids[i] = job.ID
		}
		found, err := part.Inspect(ctx, ids...)
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

// fresh says where a job stands right after it was stored.
func fresh(part *jobs.Partition, job *jobs.NewJob, stored jobs.Stored) *drayhorse.Info {
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
	return info
}
