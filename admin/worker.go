package admin

import (
	"context"
	"time"

	"github.com/drayhorse/drayhorse/internal/registry"
)

// Worker is a worker as it said of itself at SeenAt, 5 s ago at most while it has
// touch with Redis.
type Worker struct {
	ID        string      `json:"id"` // as in its log
	Host      string      `json:"host"`
	PID       int         `json:"pid"`
	Version   string      `json:"version"` // of this module
	State     WorkerState `json:"state"`
	StartedAt time.Time   `json:"started_at"`
	SeenAt    time.Time   `json:"seen_at,omitzero"` // by Redis's clock

	// Queues are its queues with their weights: the heaviest 100 of QueueCount.
	Queues     map[string]int `json:"queues"`
	QueueCount int            `json:"queue_count"`
	// Kinds are the kinds that it has handlers for, in order: the first 100 of KindCount.
	// With AnyKind it runs jobs of all others as well.
	Kinds     []string `json:"kinds"`
	KindCount int      `json:"kind_count"`
	AnyKind   bool     `json:"any_kind"`

	Concurrency int `json:"concurrency"` // how many jobs it runs at once
	Running     int `json:"running"`     // jobs that it holds
	Stuck       int `json:"stuck"`       // of these, handlers that go on although their context ended
	// Jobs are those that run longest, at most 20.
	Jobs []RunningJob `json:"jobs"`
}

// RunningJob is a job that a worker runs.
type RunningJob struct {
	ID      string    `json:"id"`
	Kind    string    `json:"kind"`
	Queue   string    `json:"queue"`
	Attempt int       `json:"attempt"` // 1 for the first
	Since   time.Time `json:"since"`   // by the worker's clock
}

// WorkerState says whether a worker claims jobs.
type WorkerState string

// The states of a worker.
const (
	WorkerWorking  WorkerState = "working"  // it claims and runs jobs
	WorkerQuiet    WorkerState = "quiet"    // it was told to claim no more
	WorkerStopping WorkerState = "stopping" // it waits for its last jobs to end
)

// workerOf gives a worker as it is listed.
func workerOf(w *registry.Worker) Worker {
	jobs := make([]RunningJob, len(w.Jobs))
	for i, j := range w.Jobs {
		jobs[i] = RunningJob(j)
	}
	return Worker{
		ID: w.ID, Host: w.Host, PID: w.PID, Version: w.Version, State: WorkerState(w.State), StartedAt: w.StartedAt, SeenAt: w.SeenAt,
		Queues: w.Queues, QueueCount: w.QueueCount, Kinds: w.Kinds, KindCount: w.KindCount, AnyKind: w.AnyKind,
		Concurrency: w.Concurrency, Running: w.Running, Stuck: w.Stuck, Jobs: jobs,
	}
}

// WorksOn reports whether a worker works on a queue; true also where it names too few of
// its queues to tell.
func (w *Worker) WorksOn(queue string) bool {
	_, named := w.Queues[queue]
	return named || w.QueueCount > len(w.Queues)
}

// Workers gives the workers that run, those that began first in front. One that
// stopped is gone at once, one that died 15 s after it was last heard of. The error
// is drayhorse.ErrUnavailable.
func (a *Admin) Workers(ctx context.Context) ([]Worker, error) {
	if err := a.check(ctx); err != nil {
		return nil, err
	}
	listed, err := a.registry.List(ctx)
	if err != nil {
		return nil, err
	}
	workers := make([]Worker, len(listed))
	for i := range listed {
		workers[i] = workerOf(&listed[i])
	}
	return workers, nil
}

// Worker gives one of them, by its whole ID. The error is drayhorse.ErrNotFound,
// ErrInvalid or ErrUnavailable.
func (a *Admin) Worker(ctx context.Context, id string) (*Worker, error) {
	if err := a.check(ctx); err != nil {
		return nil, err
	}
	listed, err := a.registry.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	w := workerOf(listed)
	return &w, nil
}

// WhyWaits says why no worker would claim a job of a kind in a queue, such as "no worker
// works on queue mail"; "" where one would, or where workers name too few of their queues
// and kinds to tell. The error is drayhorse.ErrUnavailable.
func (a *Admin) WhyWaits(ctx context.Context, queue, kind string) (string, error) {
	if err := a.check(ctx); err != nil {
		return "", err
	}
	workers, err := a.registry.List(ctx)
	if err != nil {
		return "", err
	}
	return registry.WhyWaits(workers, queue, kind), nil
}
