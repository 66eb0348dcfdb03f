package dashboard

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/deeds"
)

// confirmPage asks whether an action is meant.
type confirmPage struct {
	action

	Targets []target
	Count   *admin.Count // of all jobs that match
	Jobs    []string     // QUEUE/ID, as the parameter has them
	From    string
	Back    string // the address of the page that asked
}

// Of asks for the one name that is to be typed.
func (p *confirmPage) Of() string { return p.Targets[0].Name }

// confirm asks. It changes nothing.
func confirm(q *request) error {
	a, targets, err := q.asked()
	if err != nil {
		return err
	}
	p := &confirmPage{action: a, Targets: targets, Jobs: q.values["job"], From: q.value("from")}
	p.Back = backTo(a, targets[0], p.From)
	if a.On == onAll {
		if p.Count, err = q.gate.admin.CountFor(q.r.Context(), a.all, targets[0].Filter); err != nil {
			return err
		}
	}
	return q.show("confirm", fmt.Sprintf("%s?", a.Verb), p)
}

// asked reads an action and what it is done to.
func (q *request) asked() (action, []target, error) {
	a, err := actionOf(q.value("action"))
	if err != nil {
		return a, nil, err
	}
	if !q.may(a.needs) {
		return a, nil, refuse(http.StatusForbidden, "Your role does not allow %s.", a.Name)
	}
	targets, err := q.targets(a)
	if err != nil {
		return a, nil, err
	}
	if len(targets) == 0 {
		return a, nil, refuse(http.StatusBadRequest, "Nothing was chosen. Tick the jobs that it is to be done to.")
	}
	for i := range targets {
		targets[i].Reason = strings.TrimSpace(q.value("reason"))
		if err := q.gate.mayTouch(q.r.Context(), a, targets[i]); err != nil {
			return a, nil, err
		}
	}
	return a, targets, nil
}

// targets reads what an action is to be done to.
func (q *request) targets(a action) ([]target, error) {
	switch a.On {
	case onQueue:
		return []target{{Name: q.value("queue")}}, drayhorse.ValidateQueue(q.value("queue"))
	case onSchedule:
		from, err := q.moment("since")
		to, err2 := q.moment("until")
		return []target{{Name: q.value("schedule"), From: from, To: to}}, errors.Join(err, err2)
	case onLimit:
		return []target{{Name: q.value("limit")}}, nil
	case onFlow:
		t := target{Name: q.value("flow")}
		if a.Name != deeds.SignalFlow.Name {
			return []target{t}, nil
		}
		t.Step, t.Value = q.value("step"), cmp.Or(strings.TrimSpace(q.value("value")), "null")
		if !json.Valid([]byte(t.Value)) {
			return nil, refuse(http.StatusBadRequest, "The value %s is no JSON; nothing was done. A text stands in quotes.", clip(t.Value))
		}
		return []target{t}, nil
	case onAction:
		if q.value("id") == "" {
			return nil, nil
		}
		return []target{{Name: q.value("id")}}, nil
	case onAll:
		f := admin.Filter{Queue: q.value("queue"), State: drayhorse.State(q.value("state")), Kind: q.value("kind"), Where: q.value("where")}
		return []target{{Name: f.String(), Filter: f}}, nil
	}
	var all []target
	for _, key := range q.values["job"] {
		queue, id, _ := strings.Cut(key, "/")
		if err := errors.Join(drayhorse.ValidateQueue(queue), drayhorse.ValidateID(id)); err != nil {
			return nil, fmt.Errorf("job %q: %w", clip(key), err)
		}
		all = append(all, target{Name: id, Queue: queue})
	}
	return all, nil
}

// backTo is the page to go back to.
func backTo(a action, t target, from string) string {
	switch {
	case a.On == onAction:
		return link("action", "id", t.Name)
	case a.On == onAll:
		return link("jobs", "queue", t.Filter.Queue, "state", string(t.Filter.State), "kind", t.Filter.Kind, "where", t.Filter.Where)
	case a.On == onJob && from == "jobs":
		return link("jobs", "queue", t.Queue)
	case a.On == onJob:
		return link("job", "queue", t.Queue, "id", t.Name)
	case a.On == onLimit:
		return "limits"
	case a.On == onFlow:
		return link("flow", "id", t.Name)
	case a.On == onQueue && from == "queues":
		return "queues"
	case a.On == onQueue:
		return link("queue", "queue", t.Name)
	case from == "schedules":
		return "schedules"
	}
	return link("schedule", "id", t.Name)
}

// outcome is what became of one of several targets.
type outcome struct {
	target

	Link, Problem string
}

type donePage struct {
	action

	Done, Failed int
	Outcomes     []outcome
	Back         string
}

// do does what was confirmed. Of several targets one that fails keeps the others from
// nothing.
func do(q *request) error {
	a, targets, err := q.asked()
	if err != nil {
		return err
	}
	if a.Typed && q.value("typed") != targets[0].Name {
		return refuse(http.StatusBadRequest, "The name that was typed is not %q; nothing was done.", targets[0].Name)
	}
	if a.On == onAll && targets[0].Reason == "" {
		return refuse(http.StatusBadRequest, "No reason is given; nothing was done. Say why, for those who look at it later.")
	}
	p := &donePage{action: a, Back: backTo(a, targets[0], q.value("from"))}
	for _, t := range targets {
		to, err := q.carryOut(a, t)
		_ = q.audit(deedOf(a, t, err)) // it is in the log
		if len(targets) == 1 {
			if err != nil {
				return err
			}
			if to == "" {
				to = p.Back
			}
			return q.redirect(withDone(to, a.Name))
		}
		o := outcome{target: t, Link: link("job", "queue", t.Queue, "id", t.Name)}
		if err != nil {
			o.Problem = refusalOf(err).text
			p.Failed++
		} else {
			p.Done++
		}
		p.Outcomes = append(p.Outcomes, o)
	}
	return q.show("done", a.Verb, p)
}

// carryOut does it to one target, or begins the action on all that match. It may give where to
// go on.
func (q *request) carryOut(a action, t target) (to string, err error) {
	if a.On != onAll {
		made, err := a.Do(q.r.Context(), q.gate.admin, t.deed(a.On))
		if a.On == onLimit {
			q.d.board.LimitsChanged(q.r.Context())
		}
		if err != nil || a.next == nil {
			return "", err
		}
		return a.next(t, made), nil
	}
	begun, err := q.gate.admin.StartAction(q.r.Context(), admin.Order{Verb: a.all, Filter: t.Filter, Reason: t.Reason})
	if err != nil {
		return "", err
	}
	q.d.run(begun.ID)
	return link("action", "id", begun.ID), nil
}

func withDone(to, name string) string {
	if strings.Contains(to, "?") {
		return to + "&done=" + name
	}
	return to + "?done=" + name
}

// deedOf is what the audit has of an action, and of what came of it.
func deedOf(a action, t target, err error) deed {
	x := deed{action: a.Name, reason: t.Reason}.cameTo(err)
	switch a.On {
	case onJob:
		x.queue, x.job = t.Queue, t.Name
	case onQueue:
		x.queue = t.Name
	case onSchedule:
		x.schedule = t.Name
	default:
		x.on = t.Name
	}
	return x
}
