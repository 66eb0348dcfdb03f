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
	flowNames      = "id, deadline, retain, steps; or of a batch members, on_complete, on_success, on_failure, open"
	stepNames      = "name, after, after_end, after_hold, delay, signal"
	jobOfStepNames = "kind, args, queue, group, at, max_attempts, timeout, retain, start_within, priority, tags"
)

// MaxMembers is how many members a text has at most.
const MaxMembers = 10_000

// Flow is a flow of steps, or a batch, as a text says it:
//
//	{"id": "order-42", "steps": [
//		{"name": "fetch", "kind": "fetch", "args": {"id": 42}},
//		{"name": "approved", "signal": "48h"},
//		{"name": "ship", "kind": "ship", "after": ["fetch", "approved"], "delay": "1h"}]}
//
//	{"id": "import-42", "on_complete": {"kind": "report"}, "members": [
//		{"kind": "row", "args": {"n": 1}},
//		{"kind": "row", "args": {"n": 2}}]}
type Flow struct {
	ID               string
	Deadline, Retain time.Duration
	Steps            []*Step

	// Of a batch.
	IsBatch                          bool
	Members                          []*Job
	OnComplete, OnSuccess, OnFailure *Job // nil: nothing is called
	Open                             bool // more members are to come
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
			err = f.takeOfBatch(name, value)
		}
		return err
	})
	switch {
	case err != nil:
		return nil, inField("", err)
	case f.IsBatch && len(f.Steps) > 0:
		return nil, &Error{"steps", errors.New("field steps beside those of a batch; want steps, or members and callbacks")}
	case f.IsBatch:
		return f, nil
	case len(f.Steps) == 0:
		return nil, &Error{"steps", errors.New("field steps is missing or empty; want a list of steps, or members for a batch")}
	}
	if err := f.checkNames(); err != nil {
		return nil, err
	}
	return f, nil
}

// takeOfBatch takes a field that a batch alone has.
func (f *Flow) takeOfBatch(name string, value json.RawMessage) (err error) {
	switch name {
	case "members":
		f.Members, err = parseMembers(value)
	case "on_complete":
		f.OnComplete, err = parseCallback(name, value)
	case "on_success":
		f.OnSuccess, err = parseCallback(name, value)
	case "on_failure":
		f.OnFailure, err = parseCallback(name, value)
	case "open":
		f.Open, err = read(name, truth, value)
	default:
		return fmt.Errorf("field %q is not known; want %s", shorten(name), flowNames)
	}
	f.IsBatch = true
	return err
}

func parseMembers(list json.RawMessage) (members []*Job, err error) {
	err = eachItem("members", list, func(i int, value json.RawMessage) error {
		if i == MaxMembers {
			return &Error{"members", fmt.Errorf("field members: more than %d; want at most that many, and the others added to a batch that is open", MaxMembers)}
		}
		job, err := parseJob(value)
		if err != nil {
			return within("members", i, "member", "", err)
		}
		members = append(members, job)
		return nil
	})
	return members, err
}

func parseCallback(field string, value json.RawMessage) (*Job, error) {
	job, err := parseJob(value)
	switch {
	case err != nil:
	case job.Settings.Unique != nil:
		err = &Error{"unique", errors.New("field unique is not possible in a callback: it is enqueued once")}
	case job.Settings.ReplaceEnded:
		err = &Error{"replace_ended", errors.New("field replace_ended is not possible in a callback: it is enqueued once")}
	}
	if err == nil {
		return job, nil
	}
	place := field
	if inner, ok := errors.AsType[*Error](err); ok && inner.Field != "" {
		place += "." + inner.Field
	}
	return nil, &Error{place, fmt.Errorf("%s: %w", field, err)}
}

// Members is what is added to a batch that is open, as a text says it:
//
//	{"members": [{"kind": "row", "args": {"n": 3}}], "close": true}
type Members struct {
	Members []*Job
	Close   bool // no more are to come
}

// ParseMembers reads what is added to a batch, as Parse does a job. The error is an *Error.
func ParseMembers(text []byte) (*Members, error) {
	m := &Members{}
	err := eachField(bytes.TrimPrefix(text, byteOrderMark), func(name string, value json.RawMessage) (err error) {
		switch name {
		case "members":
			m.Members, err = parseMembers(value)
		case "close":
			m.Close, err = read(name, truth, value)
		default:
			err = fmt.Errorf("field %q is not known; want members, close", shorten(name))
		}
		return err
	})
	if err != nil {
		return nil, inField("", err)
	}
	return m, nil
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

// Jobs gives all jobs of the flow, and where each stands in the text.
func (f *Flow) Jobs() (all []*Job, places []string) {
	add := func(place string, job *Job) {
		if job != nil {
			all, places = append(all, job), append(places, place)
		}
	}
	for i, s := range f.Steps {
		add(Place("steps", i), s.Job)
	}
	for i, job := range f.Members {
		add(Place("members", i), job)
	}
	add("on_complete", f.OnComplete)
	add("on_success", f.OnSuccess)
	add("on_failure", f.OnFailure)
	return all, places
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
