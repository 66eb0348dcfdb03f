package measure

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/drayhorse/drayhorse/bench/internal/process"
	"github.com/drayhorse/drayhorse/bench/internal/systems"
)

// drain lets one worker empty the queue, and checks that it ran each job once.
func drain(ctx context.Context, r *run) error {
	took, err := Empty(ctx, r.session, r.concurrency, r.Jobs)
	if err != nil {
		return fmt.Errorf("drain: %w", err)
	}
	r.add(Drain(r.concurrency), "jobs/s", float64(r.Jobs)/took.Seconds())
	return nil
}

// Empty runs a worker until it has handled the jobs 0 to n-1, each once, and says how
// long that took, the start of the worker included.
func Empty(ctx context.Context, s systems.Session, concurrency, n int) (time.Duration, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	seen := NewTally(n)
	ended := make(chan error, 1)
	begun := time.Now()
	go func() { ended <- s.Work(ctx, concurrency, seen.Add) }()
	select {
	case <-seen.All:
	case err := <-ended: // by itself: the bare loop does
		if missing := seen.Check(); missing != nil {
			return 0, errors.Join(missing, err)
		}
		ended <- err
	}
	took := seen.Last.Sub(begun)
	stop()
	if err := <-ended; err != nil {
		return 0, err
	}
	return took, seen.Check()
}

// cycle takes jobs through their whole life, and its CPU. Who has no producer of its
// own is drained alone.
func cycle(ctx context.Context, r *run) error {
	if r.drainsOnly {
		return drainOnly(ctx, r)
	}
	client, server, err := r.cpu()
	if err != nil {
		return err
	}
	speed, err := rate(r.Jobs, func() error { return systems.EnqueueFrom(ctx, r.session, Callers, r.Jobs) })
	if err != nil {
		return fmt.Errorf("enqueue: %w", err)
	}
	r.add(EnqueueMany, "jobs/s", speed)
	if err := drain(ctx, r); err != nil {
		return err
	}
	clientAfter, serverAfter, err := r.cpu()
	if err != nil {
		return err
	}
	per := 100_000 / float64(r.Jobs)
	r.add(ClientCPU, "s/100,000 jobs", (clientAfter-client)*per)
	r.add(ServerCPU, "s/100,000 jobs", (serverAfter-server)*per)
	r.add(CycleCPU, "s/100,000 jobs", (clientAfter-client+serverAfter-server)*per)
	return nil
}

// cpu is what client and server have used so far.
func (r *run) cpu() (client, server float64, err error) {
	client = process.OwnCPU()
	if remote, ok := r.session.(systems.Remote); ok {
		if client, err = remote.CPU(); err != nil { // this process hands on orders alone
			return 0, 0, err
		}
	}
	server, err = r.Place.CPU()
	return client, server, err
}
