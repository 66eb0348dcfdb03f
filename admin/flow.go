package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
)

// Flows gives batches, those that were made last first, at most limit, and 1,000 at most.
func (a *Admin) Flows(ctx context.Context, limit int) ([]*flow.Info, error) {
	if err := a.check(ctx); err != nil {
		return nil, err
	}
	return a.flows.List(ctx, limit)
}

// Flow gives what is known of a flow: of a batch at a cost that does not grow with it, of one of
// steps with those. The errors are
// drayhorse.ErrNotFound, ErrInvalid and ErrUnavailable.
func (a *Admin) Flow(ctx context.Context, id string) (*flow.Info, error) {
	if err := errors.Join(flow.ValidateID(id), a.check(ctx)); err != nil {
		return nil, err
	}
	return a.flows.GetWithSteps(ctx, id)
}

// RetryFlow has steps of a flow run again that have ended. The errors are drayhorse.ErrNotFound,
// ErrInvalid, also for a batch, and ErrUnavailable.
func (a *Admin) RetryFlow(ctx context.Context, id string, again flow.Again) (*flow.Info, error) {
	if err := errors.Join(flow.ValidateID(id), again.Validate(), a.check(ctx)); err != nil {
		return nil, err
	}
	if _, err := a.flows.Retry(ctx, id, again); err != nil {
		return nil, err
	}
	a.log.InfoContext(ctx, "flow retried", slog.String("flow", id), slog.String("steps", string(again)))
	a.drain(ctx, id)
	return a.flows.Get(ctx, id)
}

// drain does what a flow wants done now. What is left, a worker does.
func (a *Admin) drain(ctx context.Context, id string) {
	if err := a.flows.Drain(ctx, id); err != nil {
		a.log.DebugContext(ctx, "flow left to workers", slog.String(logs.Error, err.Error()))
	}
}

// CancelFlow cancels all members of a batch, or all steps of a flow, that have not ended; a batch takes no more. It may
// be called again. The errors are drayhorse.ErrNotFound, ErrFlowEnded, ErrInvalid and
// ErrUnavailable.
func (a *Admin) CancelFlow(ctx context.Context, id string) (*flow.Info, error) {
	if err := errors.Join(flow.ValidateID(id), a.check(ctx)); err != nil {
		return nil, err
	}
	if _, err := a.flows.Cancel(ctx, id, "cancelled"); err != nil {
		return nil, err
	}
	a.log.InfoContext(ctx, "flow cancelled", slog.String("flow", id))
	a.drain(ctx, id)
	return a.flows.Get(ctx, id)
}

// SignalFlow sends a flow a value for which one of its steps waits, and reports false if it was
// there, by its key. The errors are drayhorse.ErrNotFound, also if no step is that signal; ErrSignalled, ErrSignalLate, ErrInvalid and
// ErrUnavailable.
func (a *Admin) SignalFlow(ctx context.Context, id, name string, payload any, options ...flow.SignalOption) (first bool, err error) {
	signal, err := jobs.NewSignal(name, payload, options)
	if err := errors.Join(err, flow.ValidateID(id)); err != nil {
		return false, err
	}
	if err := a.check(ctx); err != nil {
		return false, err
	}
	if first, err = a.flows.Signal(ctx, id, signal); err != nil {
		return false, err
	}
	a.log.InfoContext(ctx, "flow signalled", slog.String("flow", id), slog.String("signal", name))
	a.drain(ctx, id)
	return first, nil
}

// StepWhy says why a step of a flow has not ended.
type StepWhy struct {
	Step  string         `json:"step"`
	State flow.StepState `json:"state"`
	Why   string         `json:"why"` // in words
}

// maxExplained is of how many jobs an explanation of a flow says what holds them up.
const maxExplained = 100

// ExplainFlow says of each step that has not ended why it has not. The errors are those of Flow,
// and drayhorse.ErrInvalid for a batch.
func (a *Admin) ExplainFlow(ctx context.Context, id string) ([]StepWhy, error) {
	info, err := a.Flow(ctx, id)
	if err != nil {
		return nil, err
	}
	if !info.HasSteps {
		return nil, fmt.Errorf("%w: %s is a batch, not a flow of steps", drayhorse.ErrInvalid, id)
	}
	by := make(map[string]*flow.StepInfo, len(info.Steps))
	for _, s := range info.Steps {
		by[s.Name] = s
	}
	all, explained := []StepWhy{}, 0
	for _, s := range info.Steps {
		why := ""
		switch {
		case s.State == flow.StepWaiting || s.State == flow.StepHeld:
			why = waitsFor(s, by)
		case s.State == flow.StepRunning && s.Kind == "":
			why = "its signal has not come; it is waited for until " + s.Until.Format(time.RFC3339)
		case s.State == flow.StepRunning && explained < maxExplained:
			explained++
			why = a.explainStep(ctx, s)
		case s.State == flow.StepRunning:
			why = "see job " + s.JobID
		default:
			continue
		}
		all = append(all, StepWhy{s.Name, s.State, why})
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

// explainStep says what becomes of the job of a step.
func (a *Admin) explainStep(ctx context.Context, s *flow.StepInfo) string {
	x, err := a.Explain(ctx, s.Queue, s.JobID)
	switch {
	case errors.Is(err, drayhorse.ErrNotFound):
		return "its job " + s.JobID + " is on its way, or has ended in this moment"
	case err != nil:
		return "its job " + s.JobID + ": " + err.Error()
	case len(x.Why) == 0:
		return "its job " + s.JobID + " is " + string(x.State)
	}
	return "its job " + s.JobID + ": " + x.Why[0].Detail
}
