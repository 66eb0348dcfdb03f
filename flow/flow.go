// Package flow is the vocabulary of jobs that wait for jobs, or for more than a time: batches, which
// Producer.NewBatch makes of jobs that are counted together; flows of steps that come after one
// another, made by [New] and begun by Producer.Submit; and what comes with the signals that
// Producer.Signal sends to a flow, or to a job, whose handler waits with step.WaitSignal.
package flow

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/members"
)

// Result gives, in the handler of a step, the result of another step of its flow that has
// completed: what its handler gave to Job.SetResult, or the value of a signal. It is JSON, and
// decoded into v.
//
// The errors are drayhorse.ErrNoResult, which says why: the step has set none, it has not
// completed, or what it set was dropped; ErrInvalid if the flow has no such step, if the result does not fit v, or if ctx
// is not that of a step; and ErrUnavailable.
func Result(ctx context.Context, step string, v any) error {
	run, err := members.Of(ctx)
	if err != nil {
		return err
	}
	if !run.IsStep() {
		return fmt.Errorf("%w: Result in a member of a batch; want it in a step of a flow", drayhorse.ErrInvalid)
	}
	result, err := run.Result(ctx, step)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(result, v); err != nil {
		return fmt.Errorf("%w: the result of step %s does not fit a %T: %w", drayhorse.ErrInvalid, step, v, err)
	}
	return nil
}

// extender is a run of a step.
type extender interface {
	Extend(ctx context.Context, more *Flow) error
}

// Extend adds steps to the flow of the step that ctx is of: those of a flow without an ID, which
// may come after steps that are there, by [Flow.Existing]. At most MaxExtend, all or none. They begin when
// what they come after has ended, which may be at once; to begin behind the step that adds them, they come after that.
//
// Steps are known by their names: the next attempt of the handler, which adds them again, adds none
// twice. The errors are drayhorse.ErrInvalid, also for a limit of the flow; ErrDuplicate if it has other steps of these names;
// ErrFlowEnded if it was cancelled, or the step was run anew; and ErrUnavailable, after which they may have been added or not.
func Extend(ctx context.Context, more *Flow) error {
	run, err := members.Of(ctx)
	if err != nil {
		return err
	}
	e, ok := run.(extender)
	if !ok || !run.IsStep() {
		return fmt.Errorf("%w: Extend in a member of a batch; want it in a step of a flow", drayhorse.ErrInvalid)
	}
	return e.Extend(ctx, more)
}

// SignalOption says something of a signal; see [Key], [Sender] and [Queue].
type SignalOption func(*SignalSettings)

// SignalSettings are what the options of a signal say.
type SignalSettings struct {
	Key    string
	Sender string
	Queue  string
}

// Key is by what a signal is known when it is sent again: the same key again is no error, and
// changes nothing. It is as an ID of a job. Default: a key that nobody else has, so that a
// second call gets drayhorse.ErrSignalled.
func Key(key string) SignalOption { return func(s *SignalSettings) { s.Key = key } }

// Sender is who sends the signal, for those who look at the job: a line of at most 128 bytes.
func Sender(name string) SignalOption { return func(s *SignalSettings) { s.Sender = name } }

// Queue is the queue of the job. Default: all queues are asked.
func Queue(name string) SignalOption { return func(s *SignalSettings) { s.Queue = name } }
