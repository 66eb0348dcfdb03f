package measure

import (
	"context"
	"time"

	"github.com/drayhorse/drayhorse/bench/internal/systems"
)

// rate is how many of n things a second do did.
func rate(n int, do func() error) (float64, error) {
	begun := time.Now()
	err := do()
	return float64(n) / time.Since(begun).Seconds(), err
}

// single enqueues from one goroutine, fewer jobs than the others: it is slow.
func single(ctx context.Context, r *run) error {
	n := min(max(r.Jobs/20, 500), 5000, r.Jobs)
	speed, err := rate(n, func() error { return systems.EnqueueFrom(ctx, r.session, 1, n) })
	r.add(EnqueueOne, "jobs/s", speed)
	return err
}

// bulk enqueues as the system likes it best, weighs the jobs and drains them slowly.
func bulk(ctx context.Context, r *run) error {
	if r.drainsOnly {
		return drainOnly(ctx, r)
	}
	warm := min(max(r.Jobs/100, Callers), r.Jobs/2) // connections and scripts are there
	if err := r.session.EnqueueMany(ctx, 0, warm); err != nil {
		return err
	}
	before, err := r.session.Bytes(ctx)
	if err != nil {
		return err
	}
	rest := r.Jobs - warm
	speed, err := rate(rest, func() error { return r.session.EnqueueMany(ctx, warm, rest) })
	if err != nil {
		return err
	}
	r.add(EnqueueBulk, "jobs/s", speed)
	after, err := r.session.Bytes(ctx)
	if err != nil {
		return err
	}
	r.add(Bytes, "bytes", (after-before)/float64(rest))
	return drain(ctx, r)
}

// drainOnly drains what was enqueued in bulk.
func drainOnly(ctx context.Context, r *run) error {
	if err := r.session.EnqueueMany(ctx, 0, r.Jobs); err != nil {
		return err
	}
	return drain(ctx, r)
}
