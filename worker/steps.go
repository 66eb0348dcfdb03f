package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/flows"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/members"
	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/steps"
)

// Value is that of the job's context; for package step the steps of this run, and for package
// flow the batch of which the job is a member.
func (e *execution) Value(key any) any {
	switch key.(type) {
	case steps.Key:
		return e.stepping()
	case members.Key:
		return e.member()
	}
	return e.jobContext.Value(key)
}

// stepping gives the steps of this run. They are made with the first.
func (e *execution) stepping() *steps.Run {
	e.mu.Lock()
	run := e.steps
	e.mu.Unlock()
	if run != nil {
		return run
	}
	run = steps.NewRun(&stepStore{e.owner.stepClaim(e), e.owner.flows(), e.enqueuedAt})
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.steps == nil { // as another goroutine of the handler finds it, too
		e.steps = run
	}
	return e.steps
}

// sleeping gives what the steps of the job sleep for; nil: nothing.
func (e *execution) sleeping() *steps.Suspended {
	e.mu.Lock()
	run := e.steps
	e.mu.Unlock()
	if run == nil {
		return nil
	}
	return run.Sleeping()
}

// returned gives what counts as the error of a handler that returned err: a job whose steps
// sleep does not complete.
func (e *execution) returned(err error) error {
	if err == nil {
		if s := e.sleeping(); s != nil {
			return s
		}
	}
	return err
}

// sleepOf gives what the job sleeps for if its handler returned the error of a step that does;
// nil if it returned another.
func (e *execution) sleepOf(err error) *jobs.Sleep {
	if _, ok := errors.AsType[*steps.Suspended](err); !ok {
		return nil
	}
	s := e.sleeping()
	if s == nil { // it is of another job
		return nil
	}
	return &jobs.Sleep{Until: s.Until, Signals: s.Signals}
}

// stepClaim gives the claim under which an execution's steps count.
func (l *lease) stepClaim(e *execution) jobs.StepClaim {
	return jobs.StepClaim{Partition: l.Partition, ID: e.claim.ID, Lease: l.Name, Seq: e.claim.Seq}
}

// stepStore keeps steps in Redis. Calls without an answer are made again, while the context of
// the step lives: each does nothing the second time.
type stepStore struct {
	claim      jobs.StepClaim
	flows      *flows.Store
	enqueuedAt time.Time // of the job
}

func (s *stepStore) Load(ctx context.Context) (all *drayhorse.JobSteps, now time.Time, err error) {
	err = insist(ctx, func() (err error) {
		all, now, err = s.claim.Steps(ctx)
		return err
	})
	if errors.Is(err, drayhorse.ErrNotFound) { // somebody else has ended it
		err = fmt.Errorf("%w: the job is gone", drayhorse.ErrLeaseLost)
	}
	return all, now, err
}

func (s *stepStore) Keep(ctx context.Context, n int, name string, result []byte) error {
	return insist(ctx, func() error { return s.claim.Keep(ctx, n, name, result) })
}

func (s *stepStore) Sleep(ctx context.Context, n int, name string, d time.Duration) (until, now time.Time, err error) {
	err = insist(ctx, func() (err error) {
		until, now, err = s.claim.Sleep(ctx, n, name, d)
		return err
	})
	return until, now, err
}

func (s *stepStore) Wait(ctx context.Context, name string, timeout time.Duration) (w steps.Wait, err error) {
	err = insist(ctx, func() error {
		got, err := s.claim.Wait(ctx, name, timeout)
		if err == nil {
			w = steps.Wait{Now: got.Now, Until: got.Until, TimedOut: got.TimedOut, Came: got.Came, Payload: got.Payload}
		}
		return err
	})
	return w, err
}

func (s *stepStore) Jobs(ctx context.Context, name string, specs []drayhorse.Spec) (ended []steps.Child, err error) {
	parent := &flows.Parent{Partition: s.claim.Partition, ID: s.claim.ID, EnqueuedAt: s.enqueuedAt}
	err = insist(ctx, func() (err error) {
		ended, err = s.flows.Children(ctx, parent, name, specs)
		return err
	})
	return ended, err
}

// insist makes a call until it is answered, or ctx has ended. Redis that is full answers.
func insist(ctx context.Context, call func() error) error {
	for backoff := (redis.Backoff{}); ; {
		err := call()
		if !errors.Is(err, drayhorse.ErrUnavailable) || errors.Is(err, drayhorse.ErrFull) || !backoff.Wait(ctx) {
			return err
		}
	}
}
