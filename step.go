package drayhorse

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits of the steps of one job. See package step.
const (
	MaxSteps       = 1000      // results and sleeps that are kept
	MaxStepResult  = 256 << 10 // bytes of a result, as JSON
	MaxStepBytes   = 4 << 20   // of all results
	MaxSignals     = 64        // signals that a job gets, and waits for signals
	MaxSignalBytes = 64 << 10  // of the value of a signal, as JSON
	MaxSender      = 128       // bytes of who sent a signal
)

// Errors of signals, for errors.Is.
var (
	// ErrSignalled: the job has had a signal of that name, under another key. The first one
	// stays.
	ErrSignalled = errors.New("signalled already")
	// ErrSignalLate: the job's step has waited for the signal in vain. Nothing was kept of it.
	ErrSignalLate = errors.New("signal too late")
)

// StepType is what sort of step a handler took.
type StepType string

// The types of steps that are kept when they are done. Waits for signals are JobWait.
const (
	StepRun   StepType = "run"   // a function that has succeeded
	StepSleep StepType = "sleep" // a time that passes
)

// JobSteps is what the steps of a job's handler have come to.
type JobSteps struct {
	Steps   []JobStep   `json:"steps"`             // in the order in which they were done, or began to sleep
	Waits   []JobWait   `json:"waits,omitempty"`   // for signals, in the order in which they began
	Signals []JobSignal `json:"signals,omitempty"` // that came, in their order
}

// JobStep is a function that has succeeded, or a sleep.
type JobStep struct {
	Name   string          `json:"name"`
	Type   StepType        `json:"type"`
	Done   bool            `json:"done"` // false: it sleeps
	At     time.Time       `json:"at"`   // when it was done, or began to sleep; by Redis' clock, as all times here
	Until  time.Time       `json:"until,omitzero"`
	Result json.RawMessage `json:"result,omitempty"`
}

// JobWait is a wait for a signal.
type JobWait struct {
	Name     string    `json:"name"`
	At       time.Time `json:"at"` // when it began
	Until    time.Time `json:"until"`
	Came     bool      `json:"came"`      // the signal
	TimedOut bool      `json:"timed_out"` // and the handler was told so
}

// Open reports whether the job still waits.
func (w *JobWait) Open() bool { return !w.Came && !w.TimedOut }

// JobSignal is a signal that a job got.
type JobSignal struct {
	Name   string    `json:"name"`
	At     time.Time `json:"at"`
	Key    string    `json:"key"`              // by which it is known when it comes again
	Sender string    `json:"sender,omitempty"` // who sent it, as they said
	Bytes  int       `json:"bytes"`            // of its value, as JSON
}

// ValidateStep reports whether a name of a step or a signal is possible: those of kinds are.
// what says which, for the message. The error is ErrInvalid.
func ValidateStep(what, name string) error {
	if ValidateKind(name) != nil {
		return fmt.Errorf("%w: %s %q; want 1-%d of letters, digits and _ . : -", ErrInvalid, what, clip(name), MaxNameLength)
	}
	return nil
}

// ValidateSender reports whether that can be who sent a signal: a line of at most 128 bytes. The
// error is ErrInvalid.
func ValidateSender(sender string) error {
	if len(sender) > MaxSender || !utf8.ValidString(sender) || strings.ContainsFunc(sender, unicode.IsControl) {
		return fmt.Errorf("%w: sender %q; want at most %d bytes of text in one line", ErrInvalid, clip(sender), MaxSender)
	}
	return nil
}
