package systems

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// bareSession drains by the same scripts without a worker around them: what is left
// out is all that the worker costs.
type bareSession struct{ *drayhorseSession }

func openBare(ctx context.Context, s Setting) (Session, error) {
	d, err := openDrayhorse(ctx, s)
	if err != nil {
		return nil, err
	}
	return bareSession{d.(*drayhorseSession)}, nil
}

func (s bareSession) Work(ctx context.Context, _ int, handle func(job int)) error {
	client, err := redis.Open(redis.Config{URL: s.url})
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	engine := jobs.New(client, "drayhorse")
	parts, err := engine.Queue(ctx, drayhorse.DefaultQueue)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	var job atomic.Int64 // arguments are not decoded: jobs are counted
	errs := make([]error, 2)
	for i := range errs {
		wg.Go(func() {
			errs[i] = bareLoop(ctx, engine, jobs.NewLease(parts[0], fmt.Sprintf("bare%d", i)), func() { handle(int(job.Add(1)) - 1) })
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func bareLoop(ctx context.Context, engine *jobs.Engine, lease *jobs.Lease, handle func()) error {
	const batch = 100
	var finishes []jobs.Finish
	for {
		reply := engine.RunTurns(context.WithoutCancel(ctx), &jobs.Turn{Lease: lease, Want: batch, Finishes: finishes})[0]
		if reply.Err != nil {
			return reply.Err
		}
		finishes = make([]jobs.Finish, len(reply.Claims))
		for i, c := range reply.Claims {
			finishes[i] = jobs.Finish{ID: c.ID, Seq: c.Seq, Outcome: jobs.Complete}
			handle()
		}
		if len(finishes) == 0 {
			return nil
		}
	}
}
