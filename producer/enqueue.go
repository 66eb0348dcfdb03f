package producer

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	redisconn "github.com/drayhorse/drayhorse/internal/redis"
)

// Enqueue stores one job and says where it stands. A job whose ID is known already
// is no error: Info.Duplicate is true, and Info is the job that was there.
//
// The errors are drayhorse.ErrInvalid for impossible values, with nothing stored;
// ErrFull if Redis is out of memory, with nothing stored; and ErrUnavailable, within
// Config.Patience or at ctx's end, after which the job may be stored or not: enqueue again with
// an ID of your own to be sure of one. With a drayhorse.ReplicationError comes the
// Info, too: the job is stored.
func (p *Producer) Enqueue(ctx context.Context, args drayhorse.Args, options ...drayhorse.Option) (*drayhorse.Info, error) {
	made := new(prepared)
	queue, err := p.prepare(made, args, options, time.Now())
	if err != nil {
		return nil, err
	}
	job := &made.job
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
	l, err := p.line(ctx, queue)
	if err != nil {
		return nil, err
	}
	lane := l.lane(l.place(job), job)
	stored, known, err := lane.EnqueueOne(ctx, job)
	if !known {
		return nil, err
	}
	if stored.Duplicate {
		infos, lookupErr := existing(ctx, lane.Partition(), []*jobs.NewJob{job})
		if lookupErr != nil {
			return nil, lookupErr
		}
		return infos[0], err
	}
	info := fresh(lane.Partition(), job, stored)
	return &info, err
}

// EnqueueMany stores jobs of any kinds and queues in few round trips and gives their
// Infos in the order of the specs. All specs are validated first: a bad one refuses
// all, and the error names its index. After any other error some of the jobs may be
// stored; those that are known to be have an Info, the others nil.
func (p *Producer) EnqueueMany(ctx context.Context, specs []drayhorse.Spec) ([]*drayhorse.Info, error) {
	if len(specs) > MaxMany {
		return nil, fmt.Errorf("%w: %d specs at once; want at most %d", drayhorse.ErrInvalid, len(specs), MaxMany)
	}
	all, queues, err := p.prepareAll(specs)
	if err != nil {
		return nil, err
	}
	end := p.watch(ctx, all, queues)
	infos, err := p.enqueueMany(ctx, all, queues)
	end(infos, err)
	return infos, err
}

// enqueueMany stores jobs, each in its queue.
func (p *Producer) enqueueMany(ctx context.Context, all []*jobs.NewJob, queues []string) ([]*drayhorse.Info, error) {
	groups, err := p.group(ctx, all, queues)
	if err != nil {
		return nil, err
	}
	infos := make([]*drayhorse.Info, len(all))
	errs := make([]error, len(groups))
	beside(maxGroups, len(groups), func(i int) { errs[i] = p.enqueueGroup(ctx, groups[i], infos) })
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
	type way struct {
		part    *jobs.Partition
		durable bool
	}
	chosen := map[way]*group{} // one lane a partition keeps the order
	var groups []*group
	var l *line
	for i, job := range all {
		if i == 0 || queues[i] != queues[i-1] {
			var err error
			if l, err = p.line(ctx, queues[i]); err != nil {
				return nil, err
			}
		}
		part := l.place(job)
		w := way{part, job.Durable > 0}
		g := chosen[w]
		if g == nil {
			g = &group{lane: l.lane(part, job)}
			chosen[w] = g
			groups = append(groups, g)
		}
		g.jobs, g.index = append(g.jobs, job), append(g.index, i)
	}
	return groups, nil
}

func (p *Producer) enqueueGroup(ctx context.Context, g *group, infos []*drayhorse.Info) error {
	var duplicates []*jobs.NewJob
	var at []int
	next := 0
	err := g.lane.EnqueueEach(ctx, g.jobs, func(some []jobs.Stored) {
		var room []drayhorse.Info
		for i, stored := range some {
			if stored.Duplicate {
				duplicates, at = append(duplicates, g.jobs[next]), append(at, g.index[next])
			} else {
				if len(room) == 0 {
					room = make([]drayhorse.Info, min(len(some)-i, infosTogether))
				}
				room[0] = fresh(g.lane.Partition(), g.jobs[next], stored)
				infos[g.index[next]], room = &room[0], room[1:]
			}
			next++
		}
	})
	known, knownErr := existing(ctx, g.lane.Partition(), duplicates)
	for i, info := range known {
		infos[at[i]] = info
	}
	return errors.Join(err, knownErr)
}

// infosTogether is how many Infos of an EnqueueMany are made at once. Who keeps one
// keeps the others from being collected.
const infosTogether = 32

// maxGroups is how many partitions an EnqueueMany writes to at once: more would wait
// for connections, and some of them in vain.
const maxGroups = 8

// beside calls do for each number below n, at most limit of them beside each other.
func beside(limit, n int, do func(i int)) {
	var next atomic.Int64
	var helpers sync.WaitGroup
	work := func() {
		for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
			do(i)
		}
	}
	for range min(limit, n) - 1 {
		helpers.Go(work)
	}
	work()
	helpers.Wait()
}

// prepareAll validates specs. Of many, each CPU takes a part: the encoding of the
// arguments is most of what an EnqueueMany costs.
func (p *Producer) prepareAll(specs []drayhorse.Spec) ([]*jobs.NewJob, []string, error) {
	const part = 1000
	all, queues := make([]*jobs.NewJob, len(specs)), make([]string, len(specs))
	errs := make([]error, (len(specs)+part-1)/part)
	now := time.Now()
	prepare := func(n int) {
		first, end := n*part, min((n+1)*part, len(specs))
		room := make([]prepared, end-first)
		for i := first; i < end; i++ {
			made := &room[i-first]
			var err error
			if queues[i], err = p.prepare(made, specs[i].Args, specs[i].Options, now); err != nil {
				errs[n] = fmt.Errorf("spec %d: %w", i, err)
				return
			}
			all[i] = &made.job
		}
	}
	beside(runtime.GOMAXPROCS(0), len(errs), prepare)
	for _, err := range errs {
		if err != nil {
			return nil, nil, err
		}
	}
	return all, queues, nil
}

// prepared is a job with its envelope: one allocation makes both.
type prepared struct {
	job      jobs.NewJob
	envelope jobs.Envelope
}

// prepare validates one job, fills it in and gives its queue. It has no ID yet, unless
// the caller chose one.
func (p *Producer) prepare(made *prepared, args drayhorse.Args, options []drayhorse.Option, now time.Time) (queue string, err error) {
	if args == nil {
		return "", fmt.Errorf("%w: arguments are nil", drayhorse.ErrInvalid)
	}
	settings, err := drayhorse.Resolve(options...)
	if err != nil {
		return "", err
	}
	kind := args.Kind()
	if err := drayhorse.ValidateKind(kind); err != nil {
		return "", err
	}
	encoded, err := drayhorse.EncodeArgs(args, p.maxArgs)
	if err != nil {
		return "", err
	}
	made.envelope = jobs.Envelope{
		Kind: kind, MaxAttempts: settings.MaxAttempts, Timeout: settings.Timeout, Retain: settings.Retain,
		EnqueuedAt: now, Args: encoded,
	}
	job := &made.job
	*job = jobs.NewJob{Envelope: &made.envelope, In: settings.In, At: settings.At, Durable: p.durable}
	if settings.Given.Has(drayhorse.FieldDurable) {
		job.Durable = settings.Durable
	}
	if settings.Given.Has(drayhorse.FieldID) {
		job.ID, job.Envelope.OwnID = jobs.PackID(settings.ID), true
	}
	switch {
	case settings.In > 0:
		job.Envelope.DueAt = now.Add(settings.In)
	case settings.At.After(now):
		job.Envelope.DueAt = settings.At
	}
	return settings.Queue, nil
}

// lookupPatience is for how long the jobs that were there before are looked up.
const lookupPatience = 5 * time.Second

// existing looks up the jobs that were there before, in few round trips.
func existing(ctx context.Context, part *jobs.Partition, duplicates []*jobs.NewJob) ([]*drayhorse.Info, error) {
	var infos []*drayhorse.Info
	for page := range slices.Chunk(duplicates, jobs.MaxPage) {
		ids := make([]string, len(page))
		for i, job := range page {
			ids[i] = job.ID
		}
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
