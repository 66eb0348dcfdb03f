package flow

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
)

// Limits of flows of steps.
const (
	MaxSteps   = 10_000
	MaxEdges   = 100_000   // of all steps
	MaxSignals = 100       // steps that wait for signals
	MaxBytes   = 64 << 20  // of the jobs of all steps
	MaxResults = 64 << 20  // bytes of the results of all steps; what is over that is dropped
	MaxResult  = 256 << 10 // bytes of one result
	MaxExtend  = 200       // steps that one Extend adds, of MaxAddBytes in all
)

// Flow is steps that come after one another, made by [New] and begun by Producer.Submit. It is
// not safe for concurrent use.
type Flow struct {
	// ID makes Submit idempotent: as long as the flow is known, it is not begun again. Empty: one
	// is made.
	ID string
	// Deadline is how long after its begin all steps are cancelled that have not ended. 0: never.
	Deadline time.Duration
	// Retain is for how long the flow is known once it has ended, with the results of its steps. 0:
	// DefaultRetain, and DefaultRetainFailed where a step has not completed.
	Retain time.Duration

	steps   []*Step
	extends bool // there is one of Existing
}

// New makes a flow without steps. The ID may be empty.
func New(id string) *Flow { return &Flow{ID: id} }

// Policy is what becomes of a step when one that it comes after does not complete.
type Policy byte

// The policies.
const (
	CancelIt Policy = 'c' // it is cancelled: After
	RunIt    Policy = 'e' // it runs anyway: AfterEnd
	HoldIt   Policy = 'h' // it waits until the other has completed after all: AfterHold
)

// Step is a step of a flow that is being made: a job, or a signal that is waited for. Its fields
// are what it was made of, for those who look at it.
type Step struct {
	Name    string
	Job     *drayhorse.Spec // nil: it waits for a signal
	Timeout time.Duration   // of a signal
	Pause   time.Duration   // see Delay
	Edges   []Edge          // what it comes after
	There   bool            // it is one of Existing
}

// Edge is one step that another comes after.
type Edge struct {
	To     *Step
	Policy Policy
}

// Step adds a step that is a job: arguments and options as for an enqueue. Its name is as those of
// kinds. ID, Unique, In, Durable and Fresh are not possible.
func (f *Flow) Step(name string, args drayhorse.Args, options ...drayhorse.Option) *Step {
	return f.add(&Step{Name: name, Job: Call(args, options...)})
}

// Signal adds a step that waits for a signal, which Producer.Signal sends to the flow by this name: for
// so long from when what it comes after has ended, or else it counts as discarded. A signal
// that comes earlier is kept for it.
func (f *Flow) Signal(name string, timeout time.Duration) *Step {
	return f.add(&Step{Name: name, Timeout: timeout})
}

// Existing names a step that the flow has already, for what is added to it by [Extend]: steps may come after
// it, and it comes after none of them.
func (f *Flow) Existing(name string) *Step {
	f.extends = true
	return &Step{Name: name, There: true}
}

// Extends reports whether steps of Existing were named.
func (f *Flow) Extends() bool { return f.extends }

func (f *Flow) add(s *Step) *Step {
	f.steps = append(f.steps, s)
	return s
}

// After has the step begin when others have completed. When one of them does not, the step is
// cancelled.
func (s *Step) After(others ...*Step) *Step { return s.after(CancelIt, others) }

// AfterEnd has the step begin when others have ended, however they have.
func (s *Step) AfterEnd(others ...*Step) *Step { return s.after(RunIt, others) }

// AfterHold has the step begin when others have completed. When one of them does not, the step
// waits until it has after all: an operator has retried its job, or the flow.
func (s *Step) AfterHold(others ...*Step) *Step { return s.after(HoldIt, others) }

func (s *Step) after(policy Policy, others []*Step) *Step {
	for _, o := range others {
		s.Edges = append(s.Edges, Edge{o, policy})
	}
	return s
}

// Delay has the job of the step wait for so long once it could begin.
func (s *Step) Delay(d time.Duration) *Step {
	s.Pause = d
	return s
}

// maxErrors is how many errors of a flow are told at once.
const maxErrors = 20

// Ordered gives the steps in an order in which each comes behind those that it comes after. The error
// is drayhorse.ErrInvalid, and names all that is wrong with the flow, or the first 20 of that.
func (f *Flow) Ordered() ([]*Step, error) {
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%w: "+format, append([]any{drayhorse.ErrInvalid}, args...)...))
	}
	if f.ID != "" {
		if err := ValidateID(f.ID); err != nil {
			errs = append(errs, err)
		}
	}
	if f.Deadline < 0 || f.Deadline > maxDuration {
		wrong("Deadline %v of a flow; want 0 to 100 years", f.Deadline)
	}
	if f.Retain < 0 || f.Retain > maxDuration {
		wrong("Retain %v of a flow; want 0 to 100 years", f.Retain)
	}
	if n := len(f.steps); n == 0 || n > MaxSteps {
		wrong("a flow of %d steps; want 1 to %d", n, MaxSteps)
		return nil, errors.Join(errs...)
	}
	mine, names, edges, signals := map[*Step]bool{}, map[string]int{}, 0, 0
	for _, s := range f.steps {
		mine[s] = true
		names[s.Name]++
		edges += len(s.Edges)
		if s.Job == nil {
			signals++
		}
	}
	for _, s := range f.steps {
		s.check(wrong, mine)
		if names[s.Name] > 1 {
			wrong("%d steps have the name %q; want each once", names[s.Name], s.Name)
			names[s.Name] = 0
		}
	}
	if edges > MaxEdges {
		wrong("the steps of a flow come after %d others in all; at most %d are possible", edges, MaxEdges)
	}
	if signals > MaxSignals {
		wrong("a flow of %d steps that wait for signals; at most %d are possible", signals, MaxSignals)
	}
	ordered, cycle := f.sorted(mine)
	if cycle != nil {
		wrong("steps come after one another in a circle: %s", strings.Join(cycle, " after "))
	}
	if len(errs) > maxErrors {
		errs = append(errs[:maxErrors], fmt.Errorf("%w: and %d more", drayhorse.ErrInvalid, len(errs)-maxErrors))
	}
	return ordered, errors.Join(errs...)
}

// check says what is wrong with a step.
func (s *Step) check(wrong func(format string, args ...any), mine map[*Step]bool) {
	if drayhorse.ValidateStep("step", s.Name) != nil {
		wrong("step %.140q; want a name of 1-%d of letters, digits and _ . : -", s.Name, drayhorse.MaxNameLength)
	}
	if s.Job == nil && (s.Timeout <= 0 || s.Timeout > maxDuration) {
		wrong("signal %q with timeout %v; want more than 0 and at most 100 years", s.Name, s.Timeout)
	}
	if s.Pause < 0 || s.Pause > maxDuration {
		wrong("step %q with Delay %v; want 0 to 100 years", s.Name, s.Pause)
	}
	if s.Job == nil && s.Pause != 0 {
		wrong("signal %q with Delay %v; want it at the steps that come after it", s.Name, s.Pause)
	}
	seen := map[*Step]bool{}
	for _, e := range s.Edges {
		switch {
		case e.To == nil:
			wrong("step %q comes after a step that is nil", s.Name)
		case e.To.There && drayhorse.ValidateStep("step", e.To.Name) != nil:
			wrong("step %q comes after the existing step %.140q; want a name of 1-%d of letters, digits and _ . : -", s.Name, e.To.Name, drayhorse.MaxNameLength)
		case e.To.There && len(e.To.Edges) > 0:
			wrong("the existing step %q is to come after others; want that of new steps", e.To.Name)
		case !mine[e.To] && !e.To.There:
			wrong("step %q comes after %q, which is no step of this flow", s.Name, e.To.Name)
		case seen[e.To]:
			wrong("step %q comes after %q twice", s.Name, e.To.Name)
		}
		seen[e.To] = true
	}
}

// sorted sorts the steps, those first that were added first; or names some that come after one
// another in a circle.
func (f *Flow) sorted(mine map[*Step]bool) (ordered []*Step, cycle []string) {
	open, next := make(map[*Step]int, len(f.steps)), make(map[*Step][]*Step, len(f.steps))
	var ready []*Step
	for _, s := range f.steps {
		for _, e := range s.Edges {
			if mine[e.To] {
				open[s]++
				next[e.To] = append(next[e.To], s)
			}
		}
		if open[s] == 0 {
			ready = append(ready, s)
		}
	}
	for len(ready) > 0 {
		s := ready[0]
		ready = ready[1:]
		ordered = append(ordered, s)
		for _, after := range next[s] {
			if open[after]--; open[after] == 0 {
				ready = append(ready, after)
			}
		}
	}
	if len(ordered) == len(f.steps) {
		return ordered, nil
	}
	return nil, f.circle(open)
}

// circle names steps that come after one another in a circle: from any one that could not be
// sorted, each comes after another one.
func (f *Flow) circle(open map[*Step]int) []string {
	at := f.steps[slices.IndexFunc(f.steps, func(s *Step) bool { return open[s] > 0 })]
	seen := map[*Step]int{}
	var way []string
	for seen[at] == 0 {
		way = append(way, at.Name)
		seen[at] = len(way)
		at = at.Edges[slices.IndexFunc(at.Edges, func(e Edge) bool { return open[e.To] > 0 })].To
	}
	return append(way[seen[at]-1:], at.Name)
}

// Again says which steps of a flow a retry runs again, of those that have ended.
type Again string

// What a retry may run again.
const (
	FailedOnly          Again = "failed"     // those whose jobs were discarded or cancelled, and signals that did not come
	FailedAndDownstream Again = "downstream" // also those that were cancelled because of them, or with the flow
	All                 Again = "all"        // all, also those that have completed; signals are waited for anew
)

// Validate reports whether that is possible, as drayhorse.ErrInvalid.
func (a Again) Validate() error {
	switch a {
	case FailedOnly, FailedAndDownstream, All:
		return nil
	}
	return fmt.Errorf("%w: retry of %q steps; want %s, %s or %s", drayhorse.ErrInvalid, string(a), FailedOnly, FailedAndDownstream, All)
}

// StepState is where a step of a flow is.
type StepState string

// The states of steps.
const (
	StepWaiting   StepState = "waiting" // something that it comes after has not ended
	StepHeld      StepState = "held"    // something that it comes after has failed, and is to be mended: see AfterHold
	StepRunning   StepState = "running" // its job is enqueued, or its signal waited for
	StepCompleted StepState = "completed"
	StepDiscarded StepState = "discarded" // or its signal did not come in time
	StepCancelled StepState = "cancelled" // also where its job was deleted
)

// StepInfo is what is known of a step.
type StepInfo struct {
	Name  string    `json:"name"`
	State StepState `json:"state"`
	Kind  string    `json:"kind,omitempty"` // of its job; empty: it waits for a signal
	Queue string    `json:"queue,omitempty"`
	// JobID is that of the job of its last run; empty: it has not been enqueued.
	JobID string `json:"job_id,omitempty"`
	Run   int    `json:"run"` // from 1: each retry of the flow that has it run again makes another
	// What it comes after.
	After     []string `json:"after,omitempty"`
	AfterEnd  []string `json:"after_end,omitempty"`
	AfterHold []string `json:"after_hold,omitempty"`
	// WaitsFor are those of them for which it waits.
	WaitsFor []string  `json:"waits_for,omitempty"`
	BeganAt  time.Time `json:"began_at,omitzero"` // when its job was enqueued, or the wait began
	EndedAt  time.Time `json:"ended_at,omitzero"`
	Until    time.Time `json:"until,omitzero"`   // when the signal comes too late
	Sender   string    `json:"sender,omitempty"` // of the signal
}

// policyNames are the policies as they are written.
var policyNames = map[Policy]string{CancelIt: "after", RunIt: "after_end", HoldIt: "after_hold"}

// String gives the name.
func (p Policy) String() string { return cmp.Or(policyNames[p], fmt.Sprintf("policy %d", byte(p))) }
