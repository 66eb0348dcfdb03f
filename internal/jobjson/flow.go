package jobjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
)

// The fields of a flow, and those that a step has beside a job's, for people.
const (
	flowNames      = "id, deadline, retain, steps"
	stepNames      = "name, after, after_end, after_hold, delay, signal"
	jobOfStepNames = "kind, args, queue, group, at, max_attempts, timeout, retain, start_within, priority, tags"
)

// Flow is a flow of steps, as a text says it:
//
//	{"id": "order-42", "steps": [
//		{"name": "fetch", "kind": "fetch", "args": {"id": 42}},
//		{"name": "approved", "signal": "48h"},
//		{"name": "ship", "kind": "ship", "after": ["fetch", "approved"], "delay": "1h"}]}
type Flow struct {
	ID               string
	Deadline, Retain time.Duration
	Steps            []*Step
}

// Step is a step of a flow: a job, or a signal that it waits for.
type Step struct {
	Name    string
	Job     *Job          // nil: it is a signal
	Timeout time.Duration // of the signal
	Delay   time.Duration

	after [3][]string // names of others, by policies
}

// policies of what a step comes after, by their fields.
var policies = [...]flow.Policy{flow.CancelIt, flow.RunIt, flow.HoldIt}

// ParseFlow reads a flow, as Parse does a job. What it lets through may still be refused for what
// its steps are to each other, such as a circle. The error is an *Error.
func ParseFlow(text []byte) (*Flow, error) {
	f := &Flow{}
	err := eachField(bytes.TrimPrefix(text, byteOrderMark), func(name string, value json.RawMessage) (err error) {
		switch name {
		case "id":
			f.ID, err = read(name, flowID, value)
		case "deadline":
			f.Deadline, err = read(name, duration, value)
		case "retain":
			f.Retain, err = read(name, duration, value)
		case "steps":
			err = f.takeSteps(value)
		default:
			err = fmt.Errorf("field %q is not known; want %s", shorten(name), flowNames)
		}
		return err
	})
	if err != nil {
		return nil, inField("", err)
	}
	if len(f.Steps) == 0 {
		return nil, &Error{"steps", errors.New("field steps is missing or empty; want a list of steps")}
	}
	if err := f.checkNames(); err != nil {
		return nil, err
	}
	return f, nil
}

func flowID(value json.RawMessage) (string, error) {
	id, err := text(value)
	if err != nil || flow.ValidateID(id) != nil {
		return "", fmt.Errorf("1-%d of letters, digits and _ . : - @", flow.MaxIDLength)
	}
	return id, nil
}

func (f *Flow) takeSteps(list json.RawMessage) error {
	return eachItem("steps", list, func(i int, value json.RawMessage) error {
		if i == flow.MaxSteps {
			return &Error{"steps", fmt.Errorf("field steps: more than %d steps; want at most that many", flow.MaxSteps)}
		}
		step, err := parseStep(value)
		if err != nil {
			return within("steps", i, "step", nameOf(value), err)
		}
		f.Steps = append(f.Steps, step)
		return nil
	})
}

// nameOf gives the name of a step, for an error: it may stand behind what is wrong.
func nameOf(step json.RawMessage) (name string) {
	_ = eachField(step, func(field string, value json.RawMessage) error { // what is wrong was said
		if field == "name" {
			name, _ = text(value)
		}
		return nil
	})
	return shorten(name)
}

// stepDraft is a step that is being read.
type stepDraft struct {
	Step

	job             draft
	isJob, isSignal bool
}

func parseStep(value json.RawMessage) (*Step, error) {
	var d stepDraft
	if err := eachField(value, d.take); err != nil {
		return nil, err
	}
	return d.step()
}

func (d *stepDraft) take(name string, value json.RawMessage) (err error) {
	switch name {
	case "name":
		d.Name, err = read(name, stepName, value)
		return err
	case "signal":
		d.isSignal = true
		d.Timeout, err = read(name, duration, value)
		return err
	case "delay":
		d.Delay, err = read(name, duration, value)
		return err
	case "id", "unique", "replace_ended":
		return fmt.Errorf("field %s is not possible in a step: the flow has each step once", name)
	case "in":
		return errors.New("field in is not possible in a step; want delay")
	}
	if i := slices.IndexFunc(policies[:], func(p flow.Policy) bool { return p.String() == name }); i >= 0 {
		d.after[i], err = read(name, texts, value)
		return err
	}
	if _, known := fields[name]; !known {
		return fmt.Errorf("field %q is not known; want %s, or one of a job: %s", shorten(name), stepNames, jobOfStepNames)
	}
	d.isJob = true
	return d.job.take(name, value)
}

// step checks what no field shows alone.
func (d *stepDraft) step() (_ *Step, err error) {
	switch {
	case d.Name == "":
		return nil, &Error{"name", errors.New("field name is missing; want one that no other step has")}
	case d.isSignal && d.isJob:
		return nil, &Error{"signal", errors.New("field signal beside those of a job; want a step of its own that waits for the signal")}
	case d.isSignal && d.Timeout <= 0:
		return nil, &Error{"signal", fmt.Errorf("field signal: %v; want how long it is waited for, such as \"48h\"", d.Timeout)}
	case d.isSignal && d.Delay != 0:
		return nil, &Error{"delay", errors.New("field delay beside signal; want it at the steps that come after")}
	case !d.isSignal:
		d.Job, err = d.job.job()
	}
	return &d.Step, err
}

func stepName(value json.RawMessage) (string, error) {
	name, err := text(value)
	if err != nil || drayhorse.ValidateStep("step", name) != nil {
		return "", fmt.Errorf("1-%d of letters, digits and _ . : -", drayhorse.MaxNameLength)
	}
	return name, nil
}

// checkNames sees to it that each step has a name of its own, and comes after some that are there.
func (f *Flow) checkNames() error {
	names := make(map[string]bool, len(f.Steps))
	for i, s := range f.Steps {
		if names[s.Name] {
			return within("steps", i, "step", s.Name, &Error{"name", errors.New("another step has this name; want each once")})
		}
		names[s.Name] = true
	}
	for i, s := range f.Steps {
		for p, after := range s.after {
			for _, name := range after {
				if !names[name] {
					field := policies[p].String()
					return within("steps", i, "step", s.Name, &Error{field, fmt.Errorf("field %s: %q is no step of this flow", field, shorten(name))})
				}
			}
		}
	}
	return nil
}

// Make gives the flow for those who submit it.
func (f *Flow) Make() *flow.Flow {
	made := flow.New(f.ID)
	made.Deadline, made.Retain = f.Deadline, f.Retain
	steps := make(map[string]*flow.Step, len(f.Steps))
	for _, s := range f.Steps {
		if s.Job == nil {
			steps[s.Name] = made.Signal(s.Name, s.Timeout)
		} else {
			steps[s.Name] = made.Step(s.Name, s.Job.Spec.Args, s.Job.Spec.Options...).Delay(s.Delay)
		}
	}
	for _, s := range f.Steps {
		for p, after := range s.after {
			for _, name := range after {
				e := flow.Edge{To: steps[name], Policy: policies[p]}
				steps[s.Name].Edges = append(steps[s.Name].Edges, e)
			}
		}
	}
	return made
}

// eachItem calls take for each item of a JSON list, as it stands in the text.
func eachItem(field string, list json.RawMessage, take func(i int, value json.RawMessage) error) error {
	d := newDecoder(list)
	if start, err := d.ReadToken(); err != nil || start.Kind() != '[' {
		return &Error{field, fmt.Errorf("field %s: %s; want a list", field, shorten(string(list)))}
	}
	for i := 0; d.PeekKind() != ']'; i++ {
		value, err := d.ReadValue()
		if err != nil {
			return &Error{field, notJSON(list, err)}
		}
		if err := take(i, json.RawMessage(value)); err != nil {
			return err
		}
	}
	return nil
}

// within gives an error of an item of a list the item's place, and its name or, without one, its
// number.
func within(list string, i int, what, name string, err error) error {
	field := Place(list, i)
	if inner, ok := errors.AsType[*Error](err); ok && inner.Field != "" {
		field += "." + inner.Field
	}
	if name = strconv.Quote(name); name == `""` {
		name = strconv.Itoa(i + 1)
	}
	return &Error{field, fmt.Errorf("%s %s: %w", what, name, err)}
}

// Place is how errors name an item of a list.
func Place(list string, i int) string { return fmt.Sprintf("%s[%d]", list, i) }
