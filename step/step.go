package step

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/steps"
)

// Errors of steps, for errors.Is.
var (
	// ErrName: the name of a step comes twice in one run of a job, or an earlier run used it
	// for a step of another type.
	ErrName = steps.ErrName
	// ErrTimeout: the signal did not come in time. The job stays with that: a signal that comes
	// later is refused, and later attempts get the same error.
	ErrTimeout = steps.ErrTimeout
)

// JobsError says which jobs of a step have not completed.
type JobsError struct {
	Step   string
	FlowID string // of which the jobs are the steps, for a retry
	Total  int
	Failed []FailedJob
}

// FailedJob is one of them.
type FailedJob struct {
	Index int // of its spec
	JobID string
	State flow.StepState // discarded or cancelled; completed where its result is not known
	Err   error          // why it is not; nil: the job has not completed
}

func (e *JobsError) Error() string {
	first := e.Failed[0]
	text := fmt.Sprintf("step %q: %d of %d jobs of flow %s have not completed; job %d, %s, was %s", e.Step, len(e.Failed), e.Total, e.FlowID, first.Index, first.JobID, first.State)
	if first.Err != nil {
		text += ": " + first.Err.Error()
	}
	return text
}

// ResultError says that what is kept of a step, or what came with a signal, is no T.
type ResultError struct {
	Step string
	Type string // the T
	Err  error  // of encoding/json
}

func (e *ResultError) Error() string {
	return fmt.Sprintf("step %q: what is kept of it is no %s: %v", e.Step, e.Type, e.Err)
}

// Unwrap gives the error of encoding/json.
func (e *ResultError) Unwrap() error { return e.Err }

// Run runs a step of the job that ctx is of, until it has succeeded once: then its result is
// kept, as JSON, and from then on Run returns that and does not call run. What it returns has
// been JSON in any case, so that the first attempt sees what later ones do.
//
// If run returns an error, Run returns it as it is, and keeps nothing. run happens at least
// once: if the worker dies between run and the keeping, another attempt runs it again, so that
// calls to other systems should carry a key, such as the job's ID and the step's name.
//
// The name is as those of kinds. A run of the job uses each once, or it gets ErrName; the order
// does not matter, so that a new version of a handler may add, drop and move steps.
//
// Other errors are drayhorse.ErrInvalid, for a limit, which the message names, and for a ctx
// that is not one of a job; *ResultError; drayhorse.ErrLeaseLost, when the job is another
// worker's by now: nothing is kept; ErrUnavailable, ErrFull; and the cause of ctx's end. After
// [Sleep] or [WaitSignal] has had the job sleep, Run returns that error, too.
func Run[T any](ctx context.Context, name string, run func(ctx context.Context) (T, error)) (T, error) {
	var value T
	r, err := steps.Of(ctx)
	if err != nil {
		return value, err
	}
	result, err := r.Do(ctx, name, func(ctx context.Context) ([]byte, error) {
		made, err := run(ctx)
		if err != nil {
			return nil, err
		}
		text, err := json.Marshal(made)
		if err != nil {
			return nil, fmt.Errorf("step %q: its result is no JSON: %w", name, err)
		}
		var again T
		return text, decode(name, text, &again) // before it is kept for ever
	})
	if err != nil {
		return value, err
	}
	err = decode(name, result, &value)
	return value, err
}

// Sleep lets d pass, in all, since its first call in the job. Meanwhile the job is not running:
// Sleep returns an error, which the handler is to return at once, as it is or wrapped; that
// frees the worker's slot and costs no attempt. When the time is over, the job runs again, and
// Sleep returns nil. It does so at once for a d of 0 or less.
//
// A handler that returns nil after that error does not complete its job: it sleeps all the same.
// The errors are those of [Run].
func Sleep(ctx context.Context, name string, d time.Duration) error {
	r, err := steps.Of(ctx)
	if err != nil {
		return err
	}
	return r.Sleep(ctx, name, d)
}

// WaitSignal gives the value of a signal that Producer.Signal sent to the job under this name,
// before or after WaitSignal was called. While it has not come the job is not running, as in
// [Sleep]: the error is for the handler to return. The signal has the job run at once.
//
// The error is ErrTimeout when the signal has not come within timeout since the first call in
// the job; *ResultError if its value is no T; and those of [Run].
func WaitSignal[T any](ctx context.Context, name string, timeout time.Duration) (T, error) {
	var value T
	r, err := steps.Of(ctx)
	if err != nil {
		return value, err
	}
	payload, err := r.Wait(ctx, name, timeout)
	if err != nil {
		return value, err
	}
	err = decode(name, payload, &value)
	return value, err
}

// Jobs has jobs done for this one, beside each other and by any worker, and gives their results in
// the order of specs: what their handlers gave to Job.SetResult, the zero value of one that gave none.
// All of them are enqueued together, and once, however often the job runs; specs are not looked at
// again, but there must be as many. Until the last of them has ended, the job is not running, as in [Sleep].
//
// If some do not complete, the error is *JobsError, and the results of the others are there. It
// stays so in later attempts, unless somebody retries those jobs, or their flow: they are the steps 0, 1, 2 and so
// on of a flow (see package flow), which is known for 30 days after its end. A cancel of the job does not cancel
// them.
//
// At most flow.MaxSteps jobs are possible, with results of at most flow.MaxResult bytes. ID, Unique, In, Durable and
// Fresh are not possible. A step of jobs counts as one that waits for a signal. The other errors are those of [Run].
func Jobs[T any](ctx context.Context, name string, specs ...drayhorse.Spec) ([]T, error) {
	r, err := steps.Of(ctx)
	if err != nil {
		return nil, err
	}
	children, err := r.Jobs(ctx, name, specs)
	if err != nil {
		return nil, err
	}
	if len(children) != len(specs) {
		return nil, fmt.Errorf("%w: step %q has %d jobs; the job took it first with %d", ErrName, name, len(specs), len(children))
	}
	values, failed := make([]T, len(children)), &JobsError{Step: name, Total: len(children)}
	for i, c := range children {
		if c.State != flow.StepCompleted || c.Err != nil {
			failed.FlowID = c.FlowID
			failed.Failed = append(failed.Failed, FailedJob{i, c.JobID, c.State, c.Err})
			continue
		}
		if c.Result == nil {
			continue
		}
		if err := decode(name, c.Result, &values[i]); err != nil {
			return values, err
		}
	}
	if len(failed.Failed) > 0 {
		return values, failed
	}
	return values, nil
}

func decode[T any](name string, text []byte, value *T) error {
	var zero T
	if err := json.Unmarshal(text, value); err != nil {
		*value = zero
		return &ResultError{Step: name, Type: reflect.TypeFor[T]().String(), Err: err}
	}
	return nil
}
