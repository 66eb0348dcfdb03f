// Package logs holds the keys of log records, so that one thing has one name in
// every log line, and the logger that is used where none is given.
package logs

import "log/slog"

// The keys.
const (
	JobID     = "job_id"
	Kind      = "kind"
	Queue     = "queue"
	Attempt   = "attempt"
	WorkerID  = "worker_id"
	Lease     = "lease"
	Term      = "term"
	Schedule  = "schedule"
	Count     = "count"
	Error     = "error"
	Stack     = "stack"
	Wait      = "wait"
	Elapsed   = "elapsed"
	Component = "component"
	Node      = "node"
)

// Or gives l, so that a panic of its handler ends no more than one record, or a logger
// that writes nothing if l is nil.
func Or(l *slog.Logger) *slog.Logger {
	if l == nil {
		return slog.New(slog.DiscardHandler)
	}
	if _, guarded := l.Handler().(guard); guarded {
		return l
	}
	return slog.New(guard{l.Handler()})
}
