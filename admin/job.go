package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/drayhorse/drayhorse"
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

// Cancel ends a job as a producer's Cancel does: one that waits never runs, the
// context of one that runs ends soon. queue and errors are those of Get; a job that
// has ended is drayhorse.ErrNotFound too.
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

func (a *Admin) steer(ctx context.Context, queue, id, done string, act func(*jobs.Partition, context.Context, string) error) error {
	return a.find(ctx, queue, id, func(p *jobs.Partition, stored string) error {
		if err := act(p, ctx, stored); err != nil {
			return err
		}
		a.log.InfoContext(ctx, done, slog.String(logs.JobID, id), slog.String(logs.Queue, p.Queue))
		return nil
	})
}

// find calls act for each queue where the job may be until one knows it.
func (a *Admin) find(ctx context.Context, queue, id string, act func(p *jobs.Partition, stored string) error) error {
	if err := drayhorse.ValidateID(id); err != nil {
		return err
	}
	queues, err := a.queues(ctx, queue)
	if err != nil {
		return err
	}
	stored := jobs.PackID(id)
	for _, partitions := range queues {
		err := act(jobs.PartitionOf(partitions, stored), stored)
		if !errors.Is(err, drayhorse.ErrNotFound) {
			return err
		}
	}
	if queue != "" {
		return fmt.Errorf("%w: job %s in queue %s", drayhorse.ErrNotFound, id, queue)
	}
	return fmt.Errorf("%w: job %s", drayhorse.ErrNotFound, id)
}
