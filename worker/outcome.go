package worker

import (
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
)

// verdict says what becomes of a job whose handler returned an error. cause is why its
// context ended, nil if it lives; steer is what the handler asked for, nil if nothing.
func verdict(cause error, steer *drayhorse.Steer, lastAttempt bool) jobs.Outcome {
	var to drayhorse.State
	if steer != nil {
		to = steer.To
	}
	switch {
	case errors.Is(cause, drayhorse.ErrCancelled), to == drayhorse.Cancelled:
		return jobs.Cancel
	case to == drayhorse.Discarded:
		return jobs.Exhaust
	case to == drayhorse.Scheduled:
		return jobs.Snooze
	case to == drayhorse.Available:
		return jobs.Limit
	case isWorkers(cause):
		return jobs.Release
	case lastAttempt:
		return jobs.Exhaust
	}
	return jobs.Fail
}

// isWorkers reports whether a context ended because of the worker, not of the job: then
// the job is handed back and loses no attempt.
func isWorkers(cause error) bool {
	return errors.Is(cause, drayhorse.ErrLeaseLost) || errors.Is(cause, drayhorse.ErrStopping)
}

// outcome gives what becomes of a job whose handler returned an error, and the error's
// text. It asks the user's code for the text, for what it wraps and for the wait, any of
// which may panic. A panic does not steer, whatever it carries.
func (e *execution) outcome(retry RetryPolicy, err error) (f jobs.Finish, message string) {
	var panicked *panicError
	var steer *drayhorse.Steer
	stack := ""
	if errors.As(err, &panicked) {
		stack = panicked.stack
	} else {
		errors.As(err, &steer)
	}
	message = err.Error()
	_, cause := e.ended()
	f.Outcome = verdict(cause, steer, e.attempt() >= e.maxAttempts)
	switch f.Outcome {
	case jobs.Release:
		return f, message
	case jobs.Snooze:
		f.Delay, f.Sleep = steer.After, e.sleepOf(err)
		return f, message
	case jobs.Limit:
		f.Delay, f.Lane = steer.After, e.kind
		return f, message
	case jobs.Fail:
		if steer != nil {
			f.Delay = steer.After
		} else {
			f.Delay = max(retry(e.attempt(), err), 0)
		}
	}
	f.Error = e.failure(message, stack)
	return f, message
}

// failed gives what becomes of a job of which the user's code could not be asked. err is
// of our own making.
func (e *execution) failed(err error) (f jobs.Finish, message string) {
	return e.outcome(defaultRetry, err)
}

// interrupted gives what becomes of a job whose context ended before its handler began.
func (e *execution) interrupted(cause error) jobs.Finish {
	return jobs.Finish{Outcome: verdict(cause, nil, false)}
}

// errGoexit stands for a handler that did not return.
var errGoexit = errors.New("handler ended its goroutine (runtime.Goexit)")

// panicError is what a panic becomes.
type panicError struct {
	value any
	text  string
	stack string
}

func newPanicError(value any) *panicError {
	return &panicError{value: value, text: textOf(value), stack: string(debug.Stack())}
}

// textOf gives the text of what was panicked with, which may panic in turn.
func textOf(value any) (text string) {
	defer func() {
		if recover() != nil {
			text = fmt.Sprintf("panic: of a %T whose text cannot be had: it panics", value)
		}
	}()
	if err, ok := value.(error); ok {
		return "panic: " + err.Error()
	}
	return fmt.Sprintf("panic: %v", value)
}

func (p *panicError) Error() string { return p.text }

// Unwrap gives the error that was panicked with, if it was one.
func (p *panicError) Unwrap() error {
	err, _ := p.value.(error)
	return err
}

// defaultRetry is for jobs whose own policy cannot be asked.
var defaultRetry = Exponential(time.Second, 6*time.Hour)
