package admin

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/events"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
)

// Get gives all that is known of a job. It asks the queue, or for "" all queues
// and gives the first that knows the ID. The error is drayhorse.ErrNotFound,
// ErrInvalid or ErrUnavailable.
func (a *Admin) Get(ctx context.Context, queue, id string) (*drayhorse.Info, error) {
	var info *drayhorse.Info
	err := a.find(ctx, queue, id, func(p *jobs.Partition, stored string) (err error) {
		info, err = p.Get(ctx, stored)
		return err
	})
	return info, err
}

// Wait waits until a job has ended, and says how, as a producer's Wait does. queue is that
// of Get, and the errors are those of a producer's Wait.
func (a *Admin) Wait(ctx context.Context, queue, id string) (*drayhorse.Info, error) {
	var info *drayhorse.Info
	err := a.find(ctx, queue, id, func(p *jobs.Partition, stored string) (err error) {
		info, err = a.inbox.Wait(ctx, p, stored)
		return err
	})
	return info, err
}

// Log gives what is kept of a job's log; empty if it has none. queue and errors are those of
// Get.
func (a *Admin) Log(ctx context.Context, queue, id string) (*drayhorse.JobLog, error) {
	var log *drayhorse.JobLog
	err := a.find(ctx, queue, id, func(p *jobs.Partition, stored string) (err error) {
		log, _, err = p.Log(ctx, stored)
		return err
	})
	return log, err
}

// Steps gives what the steps of a job's handler have come to, and the signals that it got; see
// package step. queue and errors are those of Get.
func (a *Admin) Steps(ctx context.Context, queue, id string) (*drayhorse.JobSteps, error) {
	var steps *drayhorse.JobSteps
	err := a.find(ctx, queue, id, func(p *jobs.Partition, stored string) (err error) {
		steps, err = p.Steps(ctx, stored)
		return err
	})
	return steps, err
}

// Signal sends a job a value for which a step of its handler waits, as a producer's Signal does,
// and reports false if it was there, by its key. The errors are those of a producer's Signal.
func (a *Admin) Signal(ctx context.Context, id, name string, payload any, options ...flow.SignalOption) (first bool, err error) {
	signal, err := jobs.NewSignal(name, payload, a.signed(options))
	if err != nil {
		return false, err
	}
	err = a.steer(ctx, signal.Queue, id, "job signalled", func(p *jobs.Partition, ctx context.Context, stored string) (err error) {
		first, err = p.Signal(ctx, stored, signal)
		return err
	})
	return first, err
}

// FollowLog calls each with what is kept of a job's log, whenever there may be more of it,
// until the job has ended, each gives an error, or ctx ends. It is woken when something is
// reported, and by no more than that. queue and errors are those of Get, and each's.
func (a *Admin) FollowLog(ctx context.Context, queue, id string, each func(log *drayhorse.JobLog) error) error {
	return a.find(ctx, queue, id, func(p *jobs.Partition, stored string) error {
		watching, err := a.inbox.Watch(p, stored)
		if err != nil {
			return err
		}
		defer func() { watching.Stop() }()
		for seen := false; ; seen = true {
			log, live, err := p.Log(ctx, stored)
			switch {
			case seen && errors.Is(err, drayhorse.ErrNotFound):
				return nil // it has ended and kept nothing
			case seen && errors.Is(err, drayhorse.ErrUnavailable) && ctx.Err() == nil:
			case err != nil:
				return err
			default:
				if err := each(log); err != nil || !live {
					return err
				}
			}
			select {
			case <-watching.News:
			case <-ctx.Done():
				return ctx.Err()
			}
			over, err := watching.Over()
			if err != nil {
				return err
			}
			if over { // it may be retried
				watching.Stop()
				if watching, err = a.inbox.Watch(p, stored); err != nil {
					return err
				}
			}
		}
	})
}

// Cancel ends a job as a producer's Cancel does: one that waits never runs, the
// context of one that runs ends soon. queue and errors are those of Get; of a
// job that has ended it is a *drayhorse.EndedError, which is ErrNotFound too.
func (a *Admin) Cancel(ctx context.Context, queue, id string) error {
	return a.steer(ctx, queue, id, "job cancelled", (*jobs.Partition).Cancel)
}

// Retry makes a job available now, one that waits for its time as well as one that
// has ended and is kept. queue and errors are those of Get, and
// drayhorse.ErrRunning.
func (a *Admin) Retry(ctx context.Context, queue, id string) error {
	return a.steer(ctx, queue, id, "job retried", (*jobs.Partition).Retry)
}

// Delete removes a job that does not run, with all that is known of it. queue and
// errors are those of Get, and drayhorse.ErrRunning.
func (a *Admin) Delete(ctx context.Context, queue, id string) error {
	return a.steer(ctx, queue, id, "job deleted", (*jobs.Partition).Delete)
}

// EditJob gives a job that waits other arguments, of at most drayhorse.DefaultMaxArgs bytes. All
// else stays: its place in line, when it is due, and what it is unique by, also where that was
// made of the arguments that it had. queue and errors are those of Cancel, drayhorse.ErrRunning,
// and ErrInvalid for arguments that are no JSON.
func (a *Admin) EditJob(ctx context.Context, queue, id string, args json.RawMessage) error {
	return a.steer(ctx, queue, id, "job edited", func(p *jobs.Partition, ctx context.Context, stored string) error {
		return p.EditArgs(ctx, stored, args)
	})
}

// CloneJob enqueues a job anew, whether it waits, runs or has ended, and gives the ID of what
// it has made: a job of the same queue, kind, arguments, attempts, timeout, retention, priority,
// group and tags, which is due at once. It is unique by nothing, and of no batch, flow or
// schedule, whatever the first one is. queue and errors are those of Get; *drayhorse.EndedError
// if nothing is kept of the job but how it ended; and drayhorse.ErrQueueFull.
func (a *Admin) CloneJob(ctx context.Context, queue, id string) (clone string, err error) {
	err = a.steer(ctx, queue, id, "job cloned", func(p *jobs.Partition, ctx context.Context, stored string) error {
		made, err := p.Clone(ctx, stored)
		clone = jobs.UnpackID(made)
		return err
	})
	return clone, err
}

func (a *Admin) steer(ctx context.Context, queue, id, done string, act func(*jobs.Partition, context.Context, string) error) error {
	return a.find(ctx, queue, id, func(p *jobs.Partition, stored string) error {
		if err := act(p, ctx, stored); err != nil {
			return err
		}
		a.log.InfoContext(ctx, done, slog.String(logs.JobID, id), slog.String(logs.Queue, p.Queue))
		a.did(done, events.Event{Queue: p.Queue, JobID: id})
		return nil
	})
}

// find calls act for each queue where the job may be until one knows it.
func (a *Admin) find(ctx context.Context, queue, id string, act func(p *jobs.Partition, stored string) error) error {
	if err := drayhorse.ValidateID(id); err != nil {
		return err
	}
	if queue != "" {
		if err := drayhorse.ValidateQueue(queue); err != nil {
			return err
		}
	}
	if err := a.check(ctx); err != nil {
		return err
	}
	return a.engine.OnJob(ctx, queue, id, act)
}
