// Package steps takes the steps of a handler, for package step: which names a run has used, what
// is kept of earlier ones, the limits, and for what the job sleeps. Where that is kept is a
// Store's: a worker's in Redis, that of a test in memory.
package steps

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
)

// ErrName and ErrTimeout are those of package step.
var (
	ErrName    = errors.New("step name")
	ErrTimeout = errors.New("the signal did not come in time")
)

// Store keeps the steps of one job while one of its runs lasts. Its calls are made one after
// the other.
type Store interface {
	// Load gives what is kept, and what time it is by the clock that sleeps go by.
	Load(ctx context.Context) (*drayhorse.JobSteps, time.Time, error)
	// Keep keeps a result, as step number n from 1.
	Keep(ctx context.Context, n int, name string, result []byte) error
	// Sleep keeps a sleep of d from now on, as step number n, and says until when it is.
	Sleep(ctx context.Context, n int, name string, d time.Duration) (until, now time.Time, err error)
	// Wait begins a wait for a signal, or goes on with it, and says how it stands.
	Wait(ctx context.Context, name string, timeout time.Duration) (Wait, error)
	// Jobs gives what the jobs of a step have come to, in their order; nil while some have not
	// ended: then the job gets a signal of that name. It enqueues them if nobody has.
	Jobs(ctx context.Context, name string, specs []drayhorse.Spec) ([]Child, error)
}

// Child is what a job of a step has come to.
type Child struct {
	FlowID string // of which it is a step
	JobID  string
	State  flow.StepState  // completed, discarded or cancelled
	Result json.RawMessage // of one that has completed; nil: it has set none
	Err    error           // why the result is not known, though there was one
}

// Wait is how a wait for a signal stands.
type Wait struct {
	Now, Until time.Time
	TimedOut   bool
	Came       bool
	Payload    json.RawMessage // if it came
}

// Run is one run of a handler that takes steps.
type Run struct {
	store Store

	calls sync.Mutex // of the store; guards what follows
	kept  map[string]drayhorse.JobStep
	late  map[string]bool // waits that were over
	waits map[string]bool // all waits
	n     int             // steps that are kept
	bytes int             // of their results
	now   time.Time       // when they were loaded
	since time.Time       // the same by this machine's clock

	mu    sync.Mutex
	names map[string]bool // used in this run
	sleep *Suspended      // what the job sleeps for; nil: nothing
}

// NewRun makes a run whose steps are kept in store.
func NewRun(store Store) *Run { return &Run{store: store, names: map[string]bool{}} }

// Key is what the contexts of handlers are asked for, whose Value is a *Run.
type Key struct{}

// Of gives the run that ctx is of. The error is drayhorse.ErrInvalid if it is of none.
func Of(ctx context.Context) (*Run, error) {
	if r, ok := ctx.Value(Key{}).(*Run); ok {
		return r, nil
	}
	return nil, fmt.Errorf("%w: a step outside of a job; want the context that a handler gets, in tests of a handler alone that of a drayhorsetest.Steps", drayhorse.ErrInvalid)
}

// Sleeping gives what the job sleeps for; nil: nothing.
func (r *Run) Sleeping() *Suspended {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sleep
}

// Do gives the result that is kept of a step, or runs it and keeps that.
func (r *Run) Do(ctx context.Context, name string, run func(ctx context.Context) ([]byte, error)) ([]byte, error) {
	step, known, err := r.begin(ctx, name, drayhorse.StepRun)
	if err != nil || known {
		return step.Result, err
	}
	result, err := run(ctx)
	if err != nil {
		return nil, err
	}
	if len(result) > drayhorse.MaxStepResult {
		return nil, fmt.Errorf("%w: step %q has a result of %d bytes; at most %d are kept of one", drayhorse.ErrInvalid, name, len(result), drayhorse.MaxStepResult)
	}
	r.calls.Lock()
	defer r.calls.Unlock()
	if r.bytes+len(result) > drayhorse.MaxStepBytes {
		return nil, fmt.Errorf("%w: step %q has a result of %d bytes, beside %d; at most %d are kept of all steps of a job",
			drayhorse.ErrInvalid, name, len(result), r.bytes, drayhorse.MaxStepBytes)
	}
	if err := r.room(name); err != nil { // others came meanwhile
		return nil, err
	}
	if err := r.store.Keep(ctx, r.n+1, name, result); err != nil {
		return nil, failed(name, err)
	}
	r.n, r.bytes = r.n+1, r.bytes+len(result)
	return result, nil
}

// Sleep lets d pass since the first call.
func (r *Run) Sleep(ctx context.Context, name string, d time.Duration) error {
	step, known, err := r.begin(ctx, name, drayhorse.StepSleep)
	if err != nil {
		return err
	}
	if known {
		return r.until(name, step.Until, r.now.Add(time.Since(r.since)))
	}
	if d <= 0 {
		return nil
	}
	r.calls.Lock()
	defer r.calls.Unlock()
	if err := r.room(name); err != nil {
		return err
	}
	until, now, err := r.store.Sleep(ctx, r.n+1, name, d)
	if err != nil {
		return failed(name, err)
	}
	r.n++
	return r.until(name, until, now)
}

// until has the job sleep until then.
func (r *Run) until(name string, until, now time.Time) error {
	if !now.Before(until) {
		return nil
	}
	return r.suspend(&Suspended{Step: name, Until: until, now: now})
}

// Wait gives the value of a signal, or has the job sleep for it. The error is ErrTimeout if it
// did not come within timeout since the first call.
func (r *Run) Wait(ctx context.Context, name string, timeout time.Duration) (json.RawMessage, error) {
	if _, _, err := r.begin(ctx, name, ""); err != nil {
		return nil, err
	}
	r.calls.Lock()
	defer r.calls.Unlock()
	if r.late[name] {
		return nil, timedOut(name)
	}
	w, err := r.wait(ctx, name, timeout)
	switch {
	case err != nil:
		return nil, err
	case w.Came:
		return w.Payload, nil
	case w.TimedOut:
		return nil, timedOut(name)
	}
	return nil, r.suspend(&Suspended{Step: name, Until: w.Until, Signals: []string{name}, now: w.Now})
}

// wait begins a wait for a signal, or goes on with it. Callers hold calls.
func (r *Run) wait(ctx context.Context, name string, timeout time.Duration) (Wait, error) {
	if !r.waits[name] && len(r.waits) >= drayhorse.MaxSignals {
		return Wait{}, fmt.Errorf("%w: step %q; the job has waited for %d signals, which is the most", drayhorse.ErrInvalid, name, len(r.waits))
	}
	w, err := r.store.Wait(ctx, name, timeout)
	if err != nil {
		return Wait{}, failed(name, err)
	}
	r.waits[name] = true
	return w, nil
}

// How a job waits for the jobs of a step.
const (
	// jobsFor is for how long, at most: their own limits are what ends them.
	jobsFor = 10 * 365 * 24 * time.Hour
	// lookEvery is after how long the job looks itself, should the signal be lost, and lookSoon where
	// it has come, but some jobs run again since.
	lookEvery = 10 * time.Minute
	lookSoon  = 10 * time.Second
)

// Jobs gives what the jobs of a step have come to, in their order, or has the job sleep until all have
// ended.
func (r *Run) Jobs(ctx context.Context, name string, specs []drayhorse.Spec) ([]Child, error) {
	if _, _, err := r.begin(ctx, name, ""); err != nil || len(specs) == 0 {
		return nil, err
	}
	r.calls.Lock()
	defer r.calls.Unlock()
	children, err := r.store.Jobs(ctx, name, specs)
	if children != nil || err != nil {
		return children, inStep(name, err)
	}
	w, err := r.wait(ctx, name, jobsFor)
	if err != nil {
		return nil, err
	}
	if !w.Came {
		return nil, r.suspend(&Suspended{Step: name, Until: w.Now.Add(lookEvery), Signals: []string{name}, now: w.Now})
	}
	if children, err = r.store.Jobs(ctx, name, specs); children != nil || err != nil {
		return children, inStep(name, err)
	}
	return nil, r.suspend(&Suspended{Step: name, Until: w.Now.Add(lookSoon), now: w.Now})
}

func inStep(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("step %q: %w", name, err)
}

func timedOut(name string) error { return fmt.Errorf("step %q: %w", name, ErrTimeout) }

func failed(name string, err error) error { return fmt.Errorf("step %q was not kept: %w", name, err) }

// begin takes a name for the run and gives what is kept of it. The empty type is that of waits.
func (r *Run) begin(ctx context.Context, name string, sort drayhorse.StepType) (step drayhorse.JobStep, known bool, err error) {
	if err := drayhorse.ValidateStep("step", name); err != nil {
		return step, false, err
	}
	if ctx.Err() != nil {
		return step, false, fmt.Errorf("step %q did not begin: %w", name, context.Cause(ctx))
	}
	if err := r.take(name); err != nil {
		return step, false, err
	}
	r.calls.Lock()
	defer r.calls.Unlock()
	if err := r.load(ctx); err != nil {
		return step, false, fmt.Errorf("step %q did not begin: %w", name, err)
	}
	step, known = r.kept[name]
	if was := r.typeOf(name); was != "" && was != typeName(sort) {
		return step, false, fmt.Errorf("%w: %q is a %s, and was a %s when the job took it first; want a new name for another step", ErrName, name, typeName(sort), was)
	}
	if !known && sort != "" {
		err = r.room(name)
	}
	return step, known, err
}

// take takes a name, once in a run, unless the job sleeps already.
func (r *Run) take(name string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sleep != nil {
		return r.sleep
	}
	if r.names[name] {
		return fmt.Errorf("%w: %q comes twice in one run of the job; want each name once, such as one with a number", ErrName, name)
	}
	r.names[name] = true
	return nil
}

const typeWait = "wait for a signal"

func typeName(t drayhorse.StepType) string {
	if t == "" {
		return typeWait
	}
	return string(t)
}

// typeOf is what a name was used for by earlier runs; "": for nothing.
func (r *Run) typeOf(name string) string {
	if step, ok := r.kept[name]; ok {
		return string(step.Type)
	}
	if r.waits[name] {
		return typeWait
	}
	return ""
}

// load reads what is kept, once in a run. Callers hold calls.
func (r *Run) load(ctx context.Context) error {
	if r.kept != nil {
		return nil
	}
	since := time.Now()
	steps, now, err := r.store.Load(ctx)
	if err != nil {
		return err
	}
	r.kept, r.waits, r.late = make(map[string]drayhorse.JobStep, len(steps.Steps)), map[string]bool{}, map[string]bool{}
	for _, step := range steps.Steps {
		r.kept[step.Name] = step
		r.bytes += len(step.Result)
	}
	for _, w := range steps.Waits {
		r.waits[w.Name], r.late[w.Name] = true, w.TimedOut
	}
	r.n, r.now, r.since = len(steps.Steps), now, since
	return nil
}

// room says whether there is room for one more step. Callers hold calls.
func (r *Run) room(name string) error {
	if r.n >= drayhorse.MaxSteps {
		return fmt.Errorf("%w: step %q; the job has %d steps, which is the most", drayhorse.ErrInvalid, name, r.n)
	}
	return nil
}

// suspend notes that the job sleeps, also for what other goroutines of the handler wait for.
func (r *Run) suspend(s *Suspended) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sleep == nil {
		r.sleep = s
		return s
	}
	both := *r.sleep
	if s.Until.Before(both.Until) {
		both.Step, both.Until = s.Step, s.Until
	}
	both.Signals = append(append([]string(nil), both.Signals...), s.Signals...)
	r.sleep = &both
	return s
}

// Suspended is the error by which the steps of a handler say that its job sleeps: a
// drayhorse.Snooze.
type Suspended struct {
	Step    string // that ends first
	Until   time.Time
	Signals []string // that end it earlier

	now time.Time
}

func (s *Suspended) Error() string {
	until := s.Until.UTC().Format(time.RFC3339)
	if len(s.Signals) > 0 {
		return fmt.Sprintf("step %q waits for its signal until %s", s.Step, until)
	}
	return fmt.Sprintf("step %q sleeps until %s", s.Step, until)
}

// Unwrap gives the snooze.
func (s *Suspended) Unwrap() error { return drayhorse.Snooze(s.Until.Sub(s.now)) }
