package producer

import (
	"context"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
)

// Wait waits until a job has ended, and says how; a job that was discarded or cancelled is no
// error. It is woken by the script that ends the job, over one subscription for all waits of
// the producer. Connections that are lost, failovers and lost messages end nothing: each job
// is looked at every 30 s, too. When ctx ends, the job goes on.
//
// A job that keeps nothing after its end can be waited for; its Info then has no Result.
// One that had ended before Wait was called, and kept nothing, is not known any more.
//
// The options are those of Get. The errors are drayhorse.ErrNotFound if nothing is known of
// the job, or no more; ErrInvalid; ErrUnavailable, if Redis does not answer within 5 s to
// begin with; ErrBusy from 100,000 jobs on; ErrClosed; and those of ctx.
func (p *Producer) Wait(ctx context.Context, id string, options ...drayhorse.Option) (*drayhorse.Info, error) {
	var info *drayhorse.Info
	err := p.find(ctx, id, options, func(part *jobs.Partition, stored string) (err error) {
		info, err = p.inbox.Wait(ctx, part, stored)
		return err
	})
	return info, err
}
