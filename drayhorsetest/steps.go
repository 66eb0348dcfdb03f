package drayhorsetest

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/steps"
)

// Steps keeps the steps of a job that was made by hand, in memory, for a handler that a test
// calls itself: see package step. The zero value is ready, and has kept nothing.
//
//	var steps drayhorsetest.Steps
//	err := handler(steps.Context(t.Context()), job) // waits for a signal
//	steps.Signal(t, "approved", Answer{OK: true})
//	err = handler(steps.Context(t.Context()), job) // the next run
//
// A handler that sleeps returns a snooze: see [Snoozed].
type Steps struct {
	mu      sync.Mutex
	passed  time.Duration // by Advance
	kept    drayhorse.JobSteps
	payload map[string]json.RawMessage // of signals
	jobs    map[string][]drayhorse.Spec
	results map[string][]json.RawMessage // of jobs of a step
}

// Context gives the context for one run of the handler: a name may come once in it.
func (s *Steps) Context(ctx context.Context) context.Context {
	return context.WithValue(ctx, steps.Key{}, steps.NewRun(&stepStore{s}))
}

// Advance lets d pass, for what sleeps and waits. Otherwise time passes as it does.
func (s *Steps) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.passed += d
}

// Keep has a step have succeeded before, with that result. It ends the test if it is no JSON.
func (s *Steps) Keep(tb testing.TB, name string, result any) {
	tb.Helper()
	text, err := json.Marshal(result)
	if err != nil {
		tb.Fatalf("drayhorsetest: the result of step %q is no JSON: %v", name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keep(drayhorse.JobStep{Name: name, Type: drayhorse.StepRun, Result: text})
}

// Signal sends the job a signal, as Producer.Signal does; the first one of a name stays. It ends
// the test if the payload is no JSON.
func (s *Steps) Signal(tb testing.TB, name string, payload any) {
	tb.Helper()
	text, err := json.Marshal(payload)
	if err != nil {
		tb.Fatalf("drayhorsetest: the value of signal %q is no JSON: %v", name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.wait(name); w != nil && (w.TimedOut || !s.now().Before(w.Until)) {
		return // too late
	}
	if s.payload == nil {
		s.payload = map[string]json.RawMessage{}
	}
	if _, came := s.payload[name]; !came {
		s.payload[name] = text
		s.kept.Signals = append(s.kept.Signals, drayhorse.JobSignal{Name: name, At: s.now(), Bytes: len(text)})
	}
}

// Jobs gives the jobs that a step has enqueued by step.Jobs; nil: none yet.
func (s *Steps) Jobs(name string) []drayhorse.Spec {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.jobs[name]
}

// Complete has the jobs of a step have completed, with these results, in their order. It ends the test if one is no
// JSON.
func (s *Steps) Complete(tb testing.TB, name string, results ...any) {
	tb.Helper()
	all := make([]json.RawMessage, len(results))
	for i, result := range results {
		text, err := json.Marshal(result)
		if err != nil {
			tb.Fatalf("drayhorsetest: the result of job %d of step %q is no JSON: %v", i, name, err)
		}
		all[i] = text
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.results == nil {
		s.results = map[string][]json.RawMessage{}
	}
	s.results[name] = all
}

// Kept gives what has been kept so far.
func (s *Steps) Kept() drayhorse.JobSteps {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.kept
	all.Steps = append([]drayhorse.JobStep(nil), all.Steps...)
	for i := range all.Steps {
		all.Steps[i].Done = !s.now().Before(all.Steps[i].Until)
	}
	all.Waits = append([]drayhorse.JobWait(nil), all.Waits...)
	for i := range all.Waits {
		_, all.Waits[i].Came = s.payload[all.Waits[i].Name]
	}
	return all
}

// now is the time by this clock. Callers hold mu, as those of the next ones.
func (s *Steps) now() time.Time { return time.Now().Add(s.passed) }

func (s *Steps) keep(step drayhorse.JobStep) {
	step.At = s.now()
	s.kept.Steps = append(s.kept.Steps, step)
}

// wait gives a wait that has begun; nil: there is none.
func (s *Steps) wait(name string) *drayhorse.JobWait {
	for i := range s.kept.Waits {
		if s.kept.Waits[i].Name == name {
			return &s.kept.Waits[i]
		}
	}
	return nil
}

// stepStore is what a run keeps its steps in.
type stepStore struct{ of *Steps }

// Load, Keep, Sleep and Wait are those of a worker.
func (s *stepStore) Load(context.Context) (*drayhorse.JobSteps, time.Time, error) {
	all := s.of.Kept()
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	return &all, s.of.now(), nil
}

func (s *stepStore) Keep(_ context.Context, _ int, name string, result []byte) error {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	s.of.keep(drayhorse.JobStep{Name: name, Type: drayhorse.StepRun, Result: result})
	return nil
}

func (s *stepStore) Sleep(_ context.Context, _ int, name string, d time.Duration) (until, now time.Time, err error) {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	now = s.of.now()
	s.of.keep(drayhorse.JobStep{Name: name, Type: drayhorse.StepSleep, Until: now.Add(d)})
	return now.Add(d), now, nil
}

func (s *stepStore) Wait(_ context.Context, name string, timeout time.Duration) (steps.Wait, error) {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	now := s.of.now()
	if payload, came := s.of.payload[name]; came {
		return steps.Wait{Now: now, Came: true, Payload: payload}, nil
	}
	w := s.of.wait(name)
	if w == nil {
		s.of.kept.Waits = append(s.of.kept.Waits, drayhorse.JobWait{Name: name, At: now, Until: now.Add(max(timeout, 0))})
		w = s.of.wait(name)
	}
	w.TimedOut = w.TimedOut || !now.Before(w.Until)
	return steps.Wait{Now: now, Until: w.Until, TimedOut: w.TimedOut}, nil
}

// String says what is kept, for messages.
func (s *Steps) String() string { return fmt.Sprintf("%+v", s.Kept()) }

func (s *stepStore) Jobs(_ context.Context, name string, specs []drayhorse.Spec) ([]steps.Child, error) {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	if s.of.jobs == nil {
		s.of.jobs = map[string][]drayhorse.Spec{}
	}
	if _, begun := s.of.jobs[name]; !begun {
		s.of.jobs[name] = specs
	}
	results, ended := s.of.results[name]
	if !ended {
		return nil, nil
	}
	children := make([]steps.Child, len(results))
	for i, result := range results {
		children[i] = steps.Child{JobID: fmt.Sprintf("%s-%d", name, i), State: flow.StepCompleted, Result: result}
	}
	return children, nil
}
