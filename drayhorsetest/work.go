package drayhorsetest

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/inline"
	"github.com/drayhorse/drayhorse/worker"
)

const (
	// maxRuns is how many runs one call of Work makes, and maxRunsOfJob how many of one
	// job, before it takes them for endless.
	maxRuns, maxRunsOfJob = 20_000, 100
	// maxRemembered is how many outcomes an Env remembers for its messages.
	maxRemembered = 1000
)

// Outcome is what one run of a handler came to.
type Outcome struct {
	// Job is the job as its handler got it.
	Job *drayhorse.Job[json.RawMessage]
	// State is what the job has become: Retryable if it is to be run again after an
	// error, Scheduled after a snooze, Available if it met a rate limit, or the worker
	// does not serve its kind or was lost; Completed, Cancelled or Discarded.
	State drayhorse.State
	// Err is what the handler returned. After a panic it is an error with its text.
	Err error
	// Result is what the handler set, as JSON; nil: nothing.
	Result json.RawMessage
	// DueAt is when it runs again; zero: never, or at once.
	DueAt time.Time
}

// String says it in a line, for messages.
func (o Outcome) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", o.Job.Kind, o.Job.ID)
	if o.Job.Attempt > 1 {
		fmt.Fprintf(&b, " (attempt %d)", o.Job.Attempt)
	}
	fmt.Fprintf(&b, ": %s", o.State)
	if !o.DueAt.IsZero() {
		fmt.Fprintf(&b, " until %s", o.DueAt.UTC().Format(time.RFC3339))
	}
	if o.Err != nil {
		fmt.Fprintf(&b, ": %v", o.Err)
	}
	return b.String()
}

// Work runs in this goroutine the jobs that are due, and those that are due because of
// them, until there are none, and gives what each run came to, in order. One job runs at a
// time; those of heavier queues run first. Claims, middleware, timeouts and retry policies
// are those of the workers, so a handler may call t.Fatal.
//
// The workers must not Run; each may be given to Work any number of times. A handler that
// waits for time to pass has to have it pass: its context ends when [Env.Advance], called
// by what the handler calls, moves the clock beyond its timeout, or when the timeout has
// passed really. Work ends the test if there is no end to the jobs that are due.
func (e *Env) Work(workers ...*worker.Worker) []Outcome {
	e.tb.Helper()
	if len(workers) == 0 {
		e.tb.Fatal("drayhorsetest: Work without a worker; want at least one")
	}
	if e.working != nil {
		e.tb.Fatal("drayhorsetest: Work in a handler that Work runs")
	}
	var outcomes []Outcome
	runs := map[string]int{} // by job
	e.fire()
	for more := true; more; {
		more = false
		for _, w := range workers {
			opened := e.worker(w)
			maps.DeleteFunc(e.swept, opened.Swept)
			for {
				run, ok, err := e.next(opened)
				e.require(err)
				if !ok {
					break
				}
				more = true
				outcomes = append(outcomes, Outcome(run))
				e.remember(Outcome(run))
				if runs[run.Job.ID]++; runs[run.Job.ID] == maxRunsOfJob || len(outcomes) == maxRuns {
					e.tb.Fatalf("drayhorsetest: there is no end to what is due: %s has run %s, of %d in all; the last ones%s",
						run.Job.ID, count(runs[run.Job.ID], "time"), len(outcomes), lines(outcomes[max(len(outcomes)-3, 0):]))
				}
			}
		}
		if more {
			e.fire() // ticks that waited for a job to end
		}
	}
	return outcomes
}

// WorkFor is Work while d passes: the clock moves from one moment at which something is
// due to the next, be it a job, a retry or a tick, and Work runs that.
func (e *Env) WorkFor(d time.Duration, workers ...*worker.Worker) []Outcome {
	e.tb.Helper()
	end := e.end(d)
	outcomes := e.Work(workers...)
	for range maxSteps {
		next := e.nextTick()
		for _, w := range workers {
			next = earlier(next, e.due(e.worker(w)))
		}
		if next.IsZero() || next.After(end) {
			e.set(end)
			e.sweep()
			return append(outcomes, e.Work(workers...)...)
		}
		e.set(next)
		outcomes = append(outcomes, e.Work(workers...)...)
	}
	e.tb.Fatalf("drayhorsetest: something was due at %d moments before %s; the last ones:%s", maxSteps, end, lines(outcomes[max(len(outcomes)-3, 0):]))
	return nil
}

// next runs the job that is next.
func (e *Env) next(w inline.Worker) (inline.Run, bool, error) {
	e.working = w
	defer func() { e.working = nil }()
	return w.Next(e.tb.Context())
}

func (e *Env) due(w inline.Worker) time.Time {
	e.tb.Helper()
	ctx, cancel := e.context()
	defer cancel()
	at, err := w.Due(ctx)
	e.require(err)
	return at
}

// worker opens a worker, once.
func (e *Env) worker(w *worker.Worker) inline.Worker {
	e.tb.Helper()
	opened := e.workers[w]
	if opened != nil {
		return opened
	}
	if w == nil {
		e.tb.Fatal("drayhorsetest: the worker is nil")
	}
	opened, err := inline.OpenWorker(e.tb.Context(), w)
	e.require(err)
	e.closes(opened)
	e.requireAddr("worker", opened.Addr())
	e.workers[w] = opened
	return opened
}

// requireAddr has a worker or a scheduler be one of this Env.
func (e *Env) requireAddr(what, addr string) {
	e.tb.Helper()
	if addr != e.client.Addr() {
		e.tb.Fatalf("drayhorsetest: the %s is one of %s; want one made with RedisURL: env.URL, which is %s", what, addr, e.URL)
	}
}

func (e *Env) remember(o Outcome) {
	if len(e.ran) == maxRemembered {
		e.ran = append(e.ran[:0], e.ran[1:]...)
	}
	e.ran = append(e.ran, o)
}

// lines gives outcomes one below the other.
func lines(outcomes []Outcome) string {
	var b strings.Builder
	for _, o := range outcomes {
		b.WriteString("\n    " + shorten(o.String(), 200))
	}
	return b.String()
}
