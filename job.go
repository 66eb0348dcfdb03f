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

// Recorder gives what the job reports to; nil: nothing.
func (j *Job[T]) Recorder() Recorder { return j.recorder }

// IsLastAttempt reports whether the job is discarded if this attempt fails.
func (j *Job[T]) IsLastAttempt() bool { return j.Attempt >= j.MaxAttempts }

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
