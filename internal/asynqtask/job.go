package asynqtask

import (
	"time"

	"github.com/hibiken/asynq"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
)

// Timeout is how long an attempt at a task may take: as long as the task says, and
// no longer than to its deadline, as an attempt begins at now or later. A task that
// says neither has the default.
func Timeout(info *asynq.TaskInfo, now time.Time) time.Duration {
	timeout := info.Timeout
	if !info.Deadline.IsZero() {
		left := max(info.Deadline.Sub(now), time.Second) // the handler of a late one sees to it
		if timeout == 0 || left < timeout {
			timeout = left
		}
	}
	if timeout == 0 {
		return drayhorse.DefaultTimeout
	}
	return timeout
}

// Job makes the job of a task that asynq holds, with its due time and its past. The
// job has the task's ID for its own, so that it is stored once.
func Job(info *asynq.TaskInfo, now time.Time) *jobs.NewJob {
	t := Task{ID: info.ID, Type: info.Type, Payload: info.Payload, Headers: info.Headers, Deadline: info.Deadline}
	settings := drayhorse.Settings{
		ID: JobID(info.ID), MaxAttempts: info.MaxRetry + 1, Timeout: Timeout(info, now), Retain: info.Retention,
	}
	if info.State == asynq.TaskStateScheduled || info.State == asynq.TaskStateRetry {
		settings.At = info.NextProcessAt
	}
	job := new(jobs.Made).Make(t.Kind(), t.Args(), &settings, now)
	job.Past = past(info)
	return job
}

func past(info *asynq.TaskInfo) *jobs.Past {
	p := &jobs.Past{Failed: info.Retried, Discarded: info.State == asynq.TaskStateArchived}
	if p.Discarded && !info.LastFailedAt.IsZero() {
		p.Failed++ // the attempt that ended it is none of the retries
	}
	if info.LastErr != "" {
		p.LastError = &drayhorse.AttemptError{Attempt: p.Failed, At: info.LastFailedAt, Message: info.LastErr}
	}
	return p
}
