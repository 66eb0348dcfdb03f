package dashboard

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/access"
	"github.com/drayhorse/drayhorse/internal/deeds"
	"github.com/drayhorse/drayhorse/internal/figures"
)

// Of the pages of flows.
const (
	flowsShown = 200
	stepsShown = 300
)

// Jobs of flows may be in any queue, and are not looked at one by one: flows are for users whose scope is all jobs.

// flows gives a page, those that were made last first.
func (g *gate) flows(ctx context.Context, cursor string) (*admin.FlowPage, error) {
	return g.admin.FlowPage(ctx, cursor, flowsShown)
}

// stuckFlows gives those that do not go on by themselves. Why may have errors of jobs.
func (g *gate) stuckFlows(ctx context.Context) ([]admin.StuckFlow, error) {
	all, err := g.admin.StuckFlows(ctx)
	if !g.user.May(access.Read) {
		for i := range all {
			all[i].Why = ""
		}
	}
	return all, err
}

// flow gives a flow.
func (g *gate) flow(ctx context.Context, id string) (*flow.Info, error) {
	if !g.user.SeesAll() {
		return nil, notThere("flow", id)
	}
	return g.admin.Flow(ctx, id)
}

// stepResult gives the result of a step, fields that may be secret masked.
func (g *gate) stepResult(ctx context.Context, id, step string) (result json.RawMessage, masked bool, err error) {
	if !g.user.May(access.Read) {
		return nil, false, refuse(http.StatusForbidden, "Your role does not show results.")
	}
	result, err = g.admin.FlowResult(ctx, id, step)
	if err != nil {
		return nil, false, err
	}
	result, masked = g.masks.mask(result)
	return result, masked, nil
}

// explainFlow says why a flow has not ended, to those who see errors of jobs.
func (g *gate) explainFlow(ctx context.Context, info *flow.Info) ([]admin.StepWhy, error) {
	if !g.user.May(access.Read) || !info.EndedAt.IsZero() {
		return nil, nil
	}
	return g.admin.ExplainFlow(ctx, info.ID)
}

// flowRow is a flow in a list.
type flowRow struct {
	*flow.Info

	Ended  int // of its steps or members
	Share  int // of them, in percent
	Bad    int // that have ended otherwise than completed
	Made   figures.Moment
	Closed figures.Moment
	End    figures.Moment
	Took   string // until it ended; "": it has not
	Why    string // it is stuck
}

func rowOfFlow(info *flow.Info, now time.Time) flowRow {
	row := flowRow{
		Info: info, Bad: info.Discarded + info.Cancelled, Made: figures.When(info.CreatedAt, now), Closed: figures.When(info.ClosedAt, now), End: figures.When(info.EndedAt, now),
	}
	row.Ended = info.Completed + row.Bad
	row.Share = figures.Percent(row.Ended, info.Total)
	if !info.EndedAt.IsZero() {
		row.Took = figures.Took(info.EndedAt.Sub(info.CreatedAt))
	}
	return row
}

// Says is the flow in words, for those who do not see the bar.
func (r flowRow) Says() string {
	of := "members"
	if r.HasSteps {
		of = "steps"
	}
	return fmt.Sprintf("%s of %s %s have ended", figures.Count(r.Ended), figures.Count(r.Total), of)
}

type flowsPage struct {
	Flows []flowRow
	Stuck bool // those alone that are
	More  bool // of those that are stuck

	First, Next string // addresses
}

func listFlows(q *request) error {
	p, now := &flowsPage{Stuck: q.value("stuck") != ""}, time.Now()
	if p.Stuck {
		all, err := q.gate.stuckFlows(q.r.Context())
		if err != nil {
			return err
		}
		p.More = len(all) > flowsShown
		for _, s := range all[:min(len(all), flowsShown)] {
			row := rowOfFlow(s.Flow, now)
			row.Why = s.Why
			p.Flows = append(p.Flows, row)
		}
		return q.show("flows", "Flows", p)
	}
	page, err := q.gate.flows(q.r.Context(), q.value("cursor"))
	if err != nil {
		return err
	}
	for _, info := range page.Flows {
		p.Flows = append(p.Flows, rowOfFlow(info, now))
	}
	if q.value("cursor") != "" {
		p.First = link("flows")
	}
	if page.Next != "" {
		p.Next = link("flows", "cursor", page.Next)
	}
	return q.show("flows", "Flows", p)
}

// stepRow is a step of a flow, or the members of a batch in one queue.
type stepRow struct {
	*flow.StepInfo

	Edges   string // what it comes after
	Began   figures.Moment
	Took    string
	Job     string // its address
	Why     string // it has not ended
	Signals bool   // it waits for one that the user may send
	Done    bool   // it may have a result, which the user may see
}

func rowOfStep(s *flow.StepInfo, now time.Time) stepRow {
	row := stepRow{StepInfo: s, Edges: figures.Edges(s), Began: figures.When(s.BeganAt, now)}
	if !s.BeganAt.IsZero() {
		row.Took = figures.Took(cmp.Or(s.EndedAt, now).Sub(s.BeganAt))
	}
	if s.JobID != "" {
		row.Job = link("job", "queue", s.Queue, "id", s.JobID)
	}
	return row
}

// stepResult is what a step has come to.
type stepResult struct {
	Step    string
	Root    *document // nil: there is none
	Problem string    // why
	Masked  bool
}

type flowPage struct {
	flowRow

	Graph    *graph // nil: it has too many steps to be drawn
	Tabs     []tab
	Steps    []stepRow
	More     int             // steps that are not shown
	Members  []admin.StepWhy // of a batch, that have not ended
	Actions  []action
	OpenTill figures.Moment
	Result   *stepResult    // nil: none was asked for
	Until    figures.Moment // its deadline
}

func showFlow(q *request) error {
	info, err := q.gate.flow(q.r.Context(), q.value("id"))
	if err != nil {
		return err
	}
	now := time.Now()
	p := &flowPage{
		flowRow: rowOfFlow(info, now), OpenTill: figures.When(info.OpenUntil, now), Until: figures.When(info.Deadline, now), Actions: q.mayOf(flowActions(info)),
	}
	why, err := q.gate.explainFlow(q.r.Context(), info)
	if err != nil {
		return err
	}
	if !info.HasSteps {
		p.Members = why
		return q.show("flow", info.ID, p)
	}
	if step := q.value("step"); step != "" {
		if p.Result, err = q.resultOf(info.ID, step); err != nil {
			return err
		}
	}
	p.Graph = drawFlow(info.Steps, now)
	if err := p.choose(q.value("state"), now); err != nil {
		return err
	}
	whys := make(map[string]string, len(why))
	for _, w := range why {
		whys[w.Step] = w.Why
	}
	for i := range p.Steps {
		s := &p.Steps[i]
		s.Why = whys[s.Name]
		s.Done = s.State == flow.StepCompleted && q.may(access.Read)
		s.Signals = s.Kind == "" && (s.State == flow.StepRunning || s.State == flow.StepWaiting) && q.may(access.Steer)
	}
	return q.show("flow", info.ID, p)
}

// resultOf gives what a step has come to, or why nobody knows.
func (q *request) resultOf(id, step string) (*stepResult, error) {
	result, masked, err := q.gate.stepResult(q.r.Context(), id, step)
	if errors.Is(err, drayhorse.ErrNoResult) {
		return &stepResult{Step: step, Problem: sentence(err)}, nil
	}
	return &stepResult{Step: step, Root: treeOf(result), Masked: masked}, err
}

// stepStates are the states of steps, in the order in which they are shown.
var stepStates = []flow.StepState{flow.StepRunning, flow.StepHeld, flow.StepWaiting, flow.StepDiscarded, flow.StepCancelled, flow.StepCompleted}

// choose leaves the steps in a state to be shown; "": in any.
func (p *flowPage) choose(state string, now time.Time) error {
	if state != "" && !slices.Contains(stepStates, flow.StepState(state)) {
		return refuse(http.StatusBadRequest, "State %q of steps is not known.", clip(state))
	}
	counts := map[flow.StepState]int{}
	for _, s := range p.Info.Steps {
		counts[s.State]++
		switch {
		case state != "" && s.State != flow.StepState(state):
		case len(p.Steps) == stepsShown:
			p.More++
		default:
			p.Steps = append(p.Steps, rowOfStep(s, now))
		}
	}
	p.Tabs = []tab{{Name: "all", Link: link("flow", "id", p.ID), Count: p.Total, Chosen: state == ""}}
	for _, s := range stepStates {
		if counts[s] > 0 || state == string(s) {
			p.Tabs = append(p.Tabs, tab{Name: string(s), State: string(s), Link: link("flow", "id", p.ID, "state", string(s)), Count: counts[s], Chosen: state == string(s)})
		}
	}
	return nil
}

// flowActions are those that a flow allows as it stands.
func flowActions(info *flow.Info) []action {
	fits := map[string]bool{
		deeds.CancelFlow.Name:      info.State == flow.Open || info.State == flow.Running && info.Reason == "",
		deeds.RetryFlow.Name:       info.HasSteps && info.Discarded+info.Cancelled > 0,
		deeds.RetryFailedFlow.Name: info.HasSteps && info.Discarded > 0 && info.Cancelled > 0,
		deeds.RunFlowAgain.Name:    info.HasSteps && !info.EndedAt.IsZero(),
	}
	return slices.DeleteFunc(slices.Clone(actions), func(a action) bool { return !fits[a.Name] })
}
