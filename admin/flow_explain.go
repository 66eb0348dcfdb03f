package admin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/flows"
	"github.com/drayhorse/drayhorse/internal/registry"
)

// StepWhy says why a step of a flow, or the members of a batch in one queue, have not ended.
type StepWhy struct {
	Step    string         `json:"step,omitempty"` // empty: of a batch
	State   flow.StepState `json:"state,omitempty"`
	Queue   string         `json:"queue,omitempty"`   // of members
	Flow    string         `json:"flow,omitempty"`    // that is a member itself
	Members int            `json:"members,omitempty"` // that have not ended there, as far as its partitions have told
	Why     string         `json:"why"`               // in words

	// goes: it goes on by itself. Of one that waits for another step, that one tells.
	goes bool
}

// maxExplained is of how many jobs an explanation of a flow says what holds them up.
const maxExplained = 100

// ExplainFlow says of each step that has not ended why it has not; of a batch, of each queue in which
// members have not ended. The errors are those of Flow.
func (a *Admin) ExplainFlow(ctx context.Context, id string) ([]StepWhy, error) {
	info, err := a.Flow(ctx, id)
	if err != nil {
		return nil, err
	}
	workers, err := a.registry.List(ctx)
	if err != nil {
		return nil, err
	}
	return a.explainFlow(ctx, info, workers)
}

func (a *Admin) explainFlow(ctx context.Context, info *flow.Info, workers []registry.Worker) ([]StepWhy, error) {
	if !info.HasSteps {
		return a.explainMembers(ctx, info.ID, workers)
	}
	by := make(map[string]*flow.StepInfo, len(info.Steps))
	for _, s := range info.Steps {
		by[s.Name] = s
	}
	all, explained := []StepWhy{}, 0
	for _, s := range info.Steps {
		why := StepWhy{Step: s.Name, State: s.State}
		switch {
		case s.State == flow.StepWaiting || s.State == flow.StepHeld:
			why.Why = waitsFor(s, by)
		case s.State == flow.StepRunning && s.Kind == "":
			why.Why = "its signal has not come; it is waited for until " + s.Until.Format(time.RFC3339)
		case s.State == flow.StepRunning && explained < maxExplained:
			explained++
			why.Why, why.goes = a.explainStep(ctx, s, workers)
		case s.State == flow.StepRunning:
			why.Why = "see job " + s.JobID
		default:
			continue
		}
		all = append(all, why)
	}
	return all, nil
}

// maxNamed is how many steps an explanation names.
const maxNamed = 5

// waitsFor names what a step waits for.
func waitsFor(s *flow.StepInfo, by map[string]*flow.StepInfo) string {
	var names []string
	for i, name := range s.WaitsFor {
		if i == maxNamed {
			names = append(names, fmt.Sprintf("%d more", len(s.WaitsFor)-i))
			break
		}
		names = append(names, fmt.Sprintf("%s, which is %s", name, by[name].State))
	}
	return "waits for " + strings.Join(names, "; ")
}

// explainStep says what becomes of the job of a step, and whether it goes on by itself.
func (a *Admin) explainStep(ctx context.Context, s *flow.StepInfo, workers []registry.Worker) (why string, goes bool) {
	x, err := a.explain(ctx, s.Queue, s.JobID, func(context.Context) ([]registry.Worker, error) { return workers, nil })
	switch {
	case errors.Is(err, drayhorse.ErrNotFound):
		return "its job " + s.JobID + " is on its way, or has ended in this moment", true
	case err != nil:
		return "its job " + s.JobID + ": " + err.Error(), true
	case len(x.Why) == 0:
		return "its job " + s.JobID + " is " + string(x.State), true
	}
	goes = x.State == drayhorse.Running || registry.WhyWaits(workers, s.Queue, s.Kind) == "" &&
		!slices.ContainsFunc(x.Why, func(r Reason) bool { return r.Gate == GatePaused })
	return "its job " + s.JobID + ": " + x.Why[0].Detail, goes
}

// explainMembers says of the queues where members of a batch are what these wait for.
func (a *Admin) explainMembers(ctx context.Context, id string, workers []registry.Worker) ([]StepWhy, error) {
	queues, children, err := a.flows.Spread(ctx, id)
	if err != nil {
		return nil, err
	}
	all := []StepWhy{}
	for _, name := range slices.Sorted(maps.Keys(queues)) {
		why := StepWhy{Queue: name, Members: queues[name], Why: "see the queue"}
		if len(all) < maxExplained {
			if why.Why, why.goes, err = a.explainQueue(ctx, name, workers); err != nil {
				return nil, err
			}
		}
		all = append(all, why)
	}
	for _, child := range children {
		why := StepWhy{Flow: child, Members: 1, Why: "see the flow"}
		if len(all) < maxExplained {
			if why.Why, why.goes, err = a.explainChild(ctx, child, workers); err != nil {
				return nil, err
			}
		}
		all = append(all, why)
	}
	return all, nil
}

// explainChild says how a flow stands that is a member of a batch, and whether it goes on by itself.
func (a *Admin) explainChild(ctx context.Context, id string, workers []registry.Worker) (why string, goes bool, err error) {
	info, err := a.flows.Get(ctx, id)
	switch {
	case errors.Is(err, drayhorse.ErrNotFound):
		return "the flow is gone: it counts as cancelled within ten minutes", true, nil
	case err != nil:
		return "", false, err
	}
	why, err = a.whyStuck(ctx, info, workers)
	if why == "" {
		return "it is " + string(info.State), true, err
	}
	return why, false, err
}

// explainQueue says why no job of a queue starts, or that some may, and whether they go on by themselves.
func (a *Admin) explainQueue(ctx context.Context, name string, workers []registry.Worker) (why string, goes bool, err error) {
	q, err := a.Queue(ctx, name)
	switch {
	case errors.Is(err, drayhorse.ErrNotFound):
		return "the queue is gone: they count as cancelled within ten minutes", true, nil
	case err != nil:
		return "", false, err
	}
	if p := q.PauseOf(""); p != nil {
		return p.text(name), q.Running > 0, nil
	}
	if none := registry.WhyAllWait(workers, name); none != "" {
		return none, false, nil
	}
	return "they wait or run", true, nil
}

// StuckFlow is a flow that does not go on by itself: somebody has to do something about it.
type StuckFlow struct {
	Flow *flow.Info `json:"flow"`
	Why  string     `json:"why"` // in words
}

// After how long a flow counts as left alone by who makes it.
const (
	draftFor  = time.Minute
	silentFor = 5 * time.Minute
)

// StuckFlows gives the flows that do not go on by themselves, those that were made first first, of the 1,000 that have
// waited longest for their end: it was not stored as a whole, or not closed; or all that has begun of it
// waits for a signal, for a step to be mended, or for workers, or is paused. The error is
// drayhorse.ErrUnavailable.
func (a *Admin) StuckFlows(ctx context.Context) ([]StuckFlow, error) {
	if err := a.check(ctx); err != nil {
		return nil, err
	}
	all, err := a.flows.Living(ctx, flows.MaxList)
	if err != nil {
		return nil, err
	}
	workers, err := a.registry.List(ctx)
	if err != nil {
		return nil, err
	}
	stuck := []StuckFlow{}
	for _, info := range all {
		why, err := a.whyStuck(ctx, info, workers)
		switch {
		case errors.Is(err, drayhorse.ErrNotFound): // it went meanwhile
		case err != nil:
			return nil, err
		case why != "":
			stuck = append(stuck, StuckFlow{info, why})
		}
	}
	return stuck, nil
}

// whyStuck says why a flow does not go on by itself, or nothing if it does.
func (a *Admin) whyStuck(ctx context.Context, info *flow.Info, workers []registry.Worker) (string, error) {
	silent := flow.OpenFor - time.Until(info.OpenUntil)
	switch {
	case !info.EndedAt.IsZero():
		return "", nil
	case info.State == flow.Draft && time.Since(info.CreatedAt) < draftFor, info.State == flow.Open && silent < silentFor:
		return "", nil
	case info.State == flow.Draft:
		return "not all of its steps are stored; it is dropped at " + info.OpenUntil.Format(time.RFC3339) + " unless it is submitted again", nil
	case info.State == flow.Open:
		return fmt.Sprintf("it is open, and nothing was added for %v; it counts as abandoned at %s unless it is closed", silent.Round(time.Minute), info.OpenUntil.Format(time.RFC3339)), nil
	case len(workers) == 0:
		return "no worker runs", nil
	}
	if info.HasSteps {
		whole, err := a.flows.GetWithSteps(ctx, info.ID)
		if err != nil {
			return "", err
		}
		info = whole
	}
	why, err := a.explainFlow(ctx, info, workers)
	if err != nil {
		return "", err
	}
	return whatHolds(why), nil
}

// whatHolds sums up why nothing of a flow goes on. Empty: something does.
func whatHolds(all []StepWhy) string {
	var texts []string
	for _, s := range all {
		switch {
		case s.State == flow.StepWaiting:
		case s.goes:
			return ""
		case len(texts) == maxNamed:
			texts = append(texts, "and more")
		case len(texts) > maxNamed:
		case s.Queue != "":
			texts = append(texts, fmt.Sprintf("%s in queue %s: %s", plural(s.Members, "member"), s.Queue, s.Why))
		case s.Flow != "":
			texts = append(texts, "flow "+s.Flow+": "+s.Why)
		default:
			texts = append(texts, s.Step+": "+s.Why)
		}
	}
	return strings.Join(texts, "; ")
}
