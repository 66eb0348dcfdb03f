package worker

import (
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
)

// conclude turns what the handler returned into what becomes of the job.
func (e *execution) conclude(kind *registration, series *series, err error) {
	s := e.holding.fetcher.session
	f := e.outcome(kind, err)
	e.holding.mu.Lock()
	f.Result = e.result
	e.holding.mu.Unlock()
	if err != nil {
		s.logFailure(&e.job, f.Outcome, err)
	}
	e.finish(f, series.finished[f.Outcome])
}

// outcome decides. A job whose context ended because of the worker, not of the job,
// is handed back and loses no attempt.
func (e *execution) outcome(kind *registration, err error) jobs.Finish {
	if err == nil {
		return jobs.Finish{Outcome: jobs.Complete, Keep: e.keep}
	}
	var panicked *panicError
	stack := ""
	if errors.As(err, &panicked) {
		stack = panicked.stack
	}
	f := jobs.Finish{Error: e.failure(err.Error(), stack)}
	_, cause := e.ended()
	var steer *drayhorse.Steer
	switch steered := errors.As(err, &steer); {
	case errors.Is(cause, drayhorse.ErrCancelled), steered && steer.To == drayhorse.Cancelled:
		f.Outcome = jobs.Cancel
	case steered && steer.To == drayhorse.Discarded:
		f.Outcome = jobs.Exhaust
	case steered && steer.To == drayhorse.Scheduled:
		f = jobs.Finish{Outcome: jobs.Snooze, Delay: steer.After}
	case errors.Is(cause, drayhorse.ErrLeaseLost), errors.Is(cause, drayhorse.ErrStopping):
		f = jobs.Finish{Outcome: jobs.Release}
	case e.attempt() >= e.maxAttempts:
		f.Outcome = jobs.Exhaust
	case steered:
		f.Outcome, f.Delay = jobs.Fail, steer.After
	default:
		f.Outcome, f.Delay = jobs.Fail, e.backoff(kind, e.attempt(), err)
	}
	return f
}

func (e *execution) backoff(kind *registration, attempt int, err error) time.Duration {
	policy := e.holding.fetcher.session.cfg.Retry
	if kind.retry != nil {
		policy = kind.retry
	}
	return max(policy(attempt, err), 0)
}

func (s *session) logFailure(job *drayhorse.Job[json.RawMessage], outcome jobs.Outcome, err error) {
	level := slog.LevelWarn
	switch outcome {
	case jobs.Exhaust:
		level = slog.LevelError
	case jobs.Snooze, jobs.Release, jobs.Cancel:
		level = slog.LevelInfo
	}
	s.log.Log(s.base, level, "job did not complete", slog.String("outcome", string(outcome)),
		slog.String(logs.JobID, job.ID), slog.String(logs.Kind, job.Kind), slog.String(logs.Queue, job.Queue),
		slog.Int(logs.Attempt, job.Attempt), slog.String(logs.Error, err.Error()))
}
