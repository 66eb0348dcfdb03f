package flows

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// Create makes a batch, unless there is one of that ID: then it gives that, with Duplicate. Its
// callbacks are made here. The errors are drayhorse.ErrInvalid, ErrFlowEnded for one that is
// about to be forgotten, and those of Redis.
func (s *Store) Create(ctx context.Context, b flow.Batch, maxArgs int) (*flow.Info, error) {
	return s.create(ctx, b, nil, maxArgs)
}

// create makes a batch that is a member of another one, or of none.
func (s *Store) create(ctx context.Context, b flow.Batch, of *parent, maxArgs int) (info *flow.Info, err error) {
	if err := b.Validate(); err != nil {
		return nil, err
	}
	if b.ID, err = idOr(b.ID); err != nil {
		return nil, err
	}
	retain, retainBad := retains(b.Retain)
	args := []any{of.String(), b.Deadline.Milliseconds(), retain.Milliseconds(), retainBad.Milliseconds()}
	for i, spec := range []*drayhorse.Spec{b.OnComplete, b.OnSuccess, b.OnFailure} {
		call, err := s.callback(ctx, spec, maxArgs)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", []string{"OnComplete", "OnSuccess", "OnFailure"}[i], err)
		}
		args = append(args, call)
	}
	err = s.insist(ctx, func() error {
		if err := s.client.HSetNX(redis.Until(ctx, time.Now().Add(jobs.Patience)), s.marker, "shards", Shards).Err(); err != nil {
			return words.Failure("create flow", err)
		}
		value, err := s.run(ctx, createScript, b.ID, args...)
		if err != nil {
			return err
		}
		reply := redis.AsList(value)
		if len(reply) != 2 {
			return unexpected(createScript, value)
		}
		again := info != nil || redis.AsInt(reply[0]) == 1
		info = decodeInfo(b.ID, reply[1])
		if info.HasSteps {
			return fmt.Errorf("%w: %s is a flow of steps, not a batch", drayhorse.ErrDuplicate, b.ID)
		}
		info.Duplicate = !again
		return nil
	})
	return info, err
}

// idOr gives the ID of a flow, or makes one.
func idOr(id string) (string, error) {
	if id != "" {
		return id, nil
	}
	made, err := uuid.NewV7()
	return made.String(), err
}

// retains gives for how long a flow is known after its end, one that has completed and one that has not.
func retains(own time.Duration) (good, bad time.Duration) {
	if own > 0 {
		return own, own
	}
	return flow.DefaultRetain, flow.DefaultRetainFailed
}

// callback makes the job of a callback as create takes it: "DEST|jobs"; "" for none.
func (s *Store) callback(ctx context.Context, spec *drayhorse.Spec, maxArgs int) (string, error) {
	if spec == nil {
		return "", nil
	}
	job, queue, err := s.make(*spec, maxArgs)
	if err != nil {
		return "", err
	}
	if job.Unique != nil || job.Replace {
		return "", fmt.Errorf("%w: a callback with Unique or ReplaceEnded; want neither", drayhorse.ErrInvalid)
	}
	p, err := s.place(ctx, job, queue)
	if err != nil {
		return "", err
	}
	packed, err := p.PackJobs(job)
	return Source(p) + "|" + string(packed), err
}

// make makes a job of which the flow is to take care.
func (s *Store) make(spec drayhorse.Spec, maxArgs int) (job *jobs.NewJob, queue string, err error) {
	settings, err := drayhorse.ResolveArgs(spec.Args, spec.Options...)
	if err != nil {
		return nil, "", err
	}
	if settings.Durable > 0 {
		return nil, "", fmt.Errorf("%w: Durable(%d) for a job that a flow enqueues; want it without", drayhorse.ErrInvalid, settings.Durable)
	}
	kind, err := drayhorse.KindOf(spec.Args)
	if err != nil {
		return nil, "", err
	}
	encoded, err := drayhorse.EncodeArgs(spec.Args, maxArgs)
	if err != nil {
		return nil, "", err
	}
	job = new(jobs.Made).Make(kind, encoded, &settings, s.client.Now())
	if settings.Unique != nil {
		err = job.SetUnique(settings.Unique)
	}
	return job, settings.Queue, err
}

// place gives the partition of a job.
func (s *Store) place(ctx context.Context, job *jobs.NewJob, queue string) (*jobs.Partition, error) {
	partitions, err := s.engine.Queue(ctx, queue)
	if err != nil {
		return nil, err
	}
	if p, err := jobs.PlaceOf(partitions, job); p != nil || err != nil {
		return p, err
	}
	return partitions[rand.IntN(len(partitions))], nil //nolint:gosec // not a secret
}

// Link makes a job a member of a batch. The error is drayhorse.ErrInvalid for one that another
// may take the place of.
func Link(id string, made time.Time, job *jobs.NewJob) error {
	if u := job.Unique; u != nil && u.Conflict != drayhorse.KeepFirst && u.Conflict != drayhorse.Reject {
		return fmt.Errorf("%w: a member of a batch with Unique and %v; want KeepFirst or Reject", drayhorse.ErrInvalid, u.Conflict)
	}
	job.Envelope.Link = jobs.Link(id, made)
	return nil
}

// Join notes partitions in which a batch may have members from now on, and that its creator
// lives. It may be called again. The errors are drayhorse.ErrNotFound, ErrFlowEnded once the
// batch is closed, ErrInvalid, and those of Redis.
func (s *Store) Join(ctx context.Context, id string, made time.Time, partitions ...*jobs.Partition) error {
	args := []any{made.UnixMilli()}
	for _, p := range partitions {
		args = append(args, Source(p))
	}
	return s.insist(ctx, func() error {
		_, err := s.run(ctx, joinScript, id, args...)
		return err
	})
}

// Close has a batch take no more members from outside. It may be called again. The errors are
// drayhorse.ErrNotFound and those of Redis.
func (s *Store) Close(ctx context.Context, id string) (*flow.Info, error) {
	return s.steer(ctx, closeScript, id)
}

// Cancel cancels all members of a batch, for a reason that Get gives. It may be called again.
// The errors are drayhorse.ErrNotFound, ErrFlowEnded and those of Redis.
func (s *Store) Cancel(ctx context.Context, id, why string) (*flow.Info, error) {
	return s.steer(ctx, cancelScript, id, why)
}

func (s *Store) steer(ctx context.Context, script *redis.Script, id string, args ...any) (info *flow.Info, err error) {
	err = s.insist(ctx, func() error {
		value, err := s.run(ctx, script, id, args...)
		if err == nil {
			info = decodeInfo(id, value)
		}
		return s.whenBusy(ctx, id, err)
	})
	return info, err
}

// whenBusy does what a flow is at work with, if that is why a call was refused. It gives the error.
func (s *Store) whenBusy(ctx context.Context, id string, err error) error {
	if errors.Is(err, errBusy) {
		_ = s.Drain(ctx, id) // or somebody else does
	}
	return err
}

// repeatFor is for how long a call of Grow may be repeated: longer than anybody does.
const repeatFor = 10 * time.Minute

// Grow adds members to a batch that runs, from within. The errors are drayhorse.ErrFlowEnded,
// ErrInvalid and those of Redis.
func (s *Store) Grow(ctx context.Context, id string, made time.Time, specs []drayhorse.Spec, maxArgs int) error {
	to, order := map[*jobs.Partition][]*jobs.NewJob{}, []*jobs.Partition(nil)
	for i, spec := range specs {
		job, queue, err := s.make(spec, maxArgs)
		if err == nil {
			err = Link(id, made, job)
		}
		if err != nil {
			return fmt.Errorf("spec %d: %w", i, err)
		}
		p, err := s.place(ctx, job, queue)
		if err != nil {
			return err
		}
		if to[p] == nil {
			order = append(order, p)
		}
		to[p] = append(to[p], job)
	}
	if len(order) == 0 {
		return nil
	}
	size := 0
	args := []any{made.UnixMilli(), uuid.NewString(), s.client.Now().Add(repeatFor).UnixMilli()}
	for _, p := range order {
		for some := range slices.Chunk(to[p], growTogether) {
			packed, err := p.PackJobs(some...)
			if err != nil {
				return err
			}
			size += len(packed)
			args = append(args, Source(p), string(packed))
		}
	}
	if size > flow.MaxAddBytes {
		return fmt.Errorf("%w: jobs of %d bytes to be added to a batch; at most %d at once", drayhorse.ErrInvalid, size, flow.MaxAddBytes)
	}
	err := s.insist(ctx, func() error {
		_, err := s.run(ctx, growScript, id, args...)
		return err
	})
	if errors.Is(err, drayhorse.ErrNotFound) {
		err = fmt.Errorf("%w: batch %s is known no more", drayhorse.ErrFlowEnded, id)
	}
	return err
}

// growTogether is how many jobs one op puts in.
const growTogether = 100
