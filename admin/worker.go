package admin

import (
	"context"

	"github.com/drayhorse/drayhorse/internal/registry"
)

// Worker is a worker as it said of itself at SeenAt, 5 s ago at most while it has
// touch with Redis.
type Worker = registry.Worker

// RunningJob is a job that a worker runs.
type RunningJob = registry.Job

// WorkerState says whether a worker claims jobs.
type WorkerState = registry.State

// The states of a worker.
const (
	WorkerWorking  = registry.Working  // it claims and runs jobs
	WorkerQuiet    = registry.Quiet    // it was told to claim no more
	WorkerStopping = registry.Stopping // it waits for its last jobs to end
)

// Workers gives the workers that run, those that began first in front. One that
// stopped is gone at once, one that died 15 s after it was last heard of. The error
// is drayhorse.ErrUnavailable.
func (a *Admin) Workers(ctx context.Context) ([]Worker, error) {
	if err := a.check(ctx); err != nil {
		return nil, err
	}
	return a.registry.List(ctx)
}

// Worker gives one of them, by its whole ID. The error is drayhorse.ErrNotFound,
// ErrInvalid or ErrUnavailable.
func (a *Admin) Worker(ctx context.Context, id string) (*Worker, error) {
	if err := a.check(ctx); err != nil {
		return nil, err
	}
	return a.registry.Get(ctx, id)
}
