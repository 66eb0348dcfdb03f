package drayhorse

import (
	"encoding/json"
	"fmt"
	"time"
)

// Job is a job as its handler sees it. A Job made by hand, in a test say, works
// like one from a worker, except that its result goes nowhere.
type Job[T any] struct {
	ID          string
	Kind        string
	Args        T
	Attempt     int // 1 + the failed attempts so far
	MaxAttempts int
	Queue       string
	EnqueuedAt  time.Time // by the producer's clock
	DueAt       time.Time // when it was to run first, by the producer's clock; zero: at once
	Tick        time.Time // nominal time of a periodic job, else zero
	Trace       Trace     // of the call that enqueued it

	recorder Recorder
}

// Recorder takes what a handler reports about its job. A worker binds one to
// each job that it runs.
type Recorder interface {
	// SetResult keeps the result until the job ends; a later one replaces it.
	SetResult(result json.RawMessage) error
}

// Bind makes the job report to r.
func (j *Job[T]) Bind(r Recorder) { j.recorder = r }

// SetResult keeps v, as JSON, with the finished job. The last call counts. The
// error is ErrInvalid when v is no JSON or too large.
func (j *Job[T]) SetResult(v any) error {
	result, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("%w: result of job %s: %w", ErrInvalid, j.ID, err)
	}
	if j.recorder == nil {
		return nil
	}
	return j.recorder.SetResult(result)
}

// Decode turns a job with raw arguments into one with typed arguments. The error
// says what of the arguments does not fit T.
func Decode[T any](raw *Job[json.RawMessage]) (*Job[T], error) {
	job := &Job[T]{
		ID: raw.ID, Kind: raw.Kind, Attempt: raw.Attempt, MaxAttempts: raw.MaxAttempts,
		Queue: raw.Queue, EnqueuedAt: raw.EnqueuedAt, DueAt: raw.DueAt, Tick: raw.Tick, Trace: raw.Trace, recorder: raw.recorder,
	}
	if args, ok := any(&job.Args).(*json.RawMessage); ok {
		*args = raw.Args
		return job, nil
	}
	if err := json.Unmarshal(raw.Args, &job.Args); err != nil {
		return nil, fmt.Errorf("decode arguments of kind %q: %w", raw.Kind, err)
	}
	return job, nil
}
