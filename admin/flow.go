package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/events"
	"github.com/drayhorse/drayhorse/internal/flows"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
)

// FlowPage is a part of the batches and flows.
type FlowPage struct {
	Flows []*flow.Info `json:"flows"`
	Next  string       `json:"next,omitempty"` // cursor of the next page; empty after the last
}

// Flows gives the batches and flows that were made last, at most limit, and 1,000 at most.
func (a *Admin) Flows(ctx context.Context, limit int) ([]*flow.Info, error) {
	page, err := a.FlowPage(ctx, "", min(limit, flows.MaxList))
	if err != nil {
		return nil, err
	}
	return page.Flows[:min(len(page.Flows), limit)], nil
}

// FlowPage gives a page of batches and flows, those that were made last first: limit of them, and a few more where
// others were made in the same ms as the last. cursor is FlowPage.Next of the page before, "" for the first. What is
// made meanwhile is on no later page. The error is drayhorse.ErrInvalid for the cursor or a limit that is not 1 to
// 1,000, or ErrUnavailable.
func (a *Admin) FlowPage(ctx context.Context, cursor string, limit int) (*FlowPage, error) {
	if limit < 1 || limit > flows.MaxList {
		return nil, fmt.Errorf("%w: a page of %d flows; want 1 to %d", drayhorse.ErrInvalid, limit, flows.MaxList)
	}
	if err := a.check(ctx); err != nil {
		return nil, err
	}
	list, next, err := a.flows.List(ctx, cursor, limit)
	if err != nil {
		return nil, err
	}
	return &FlowPage{Flows: list, Next: next}, nil
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

// FlowResult gives the result of a step of a flow that has completed, in JSON. The errors are drayhorse.ErrNoResult, which says
// why; ErrNotFound; ErrInvalid if the flow has no such step; and ErrUnavailable.
func (a *Admin) FlowResult(ctx context.Context, id, step string) (json.RawMessage, error) {
	if err := errors.Join(flow.ValidateID(id), a.check(ctx)); err != nil {
		return nil, err
	}
	return a.flows.ResultOf(ctx, id, step)
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
	a.did("flow retried", events.Event{On: id})
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
	a.did("flow cancelled", events.Event{On: id})
	a.drain(ctx, id)
	return a.flows.Get(ctx, id)
}

// signed has signals sent by the actor, unless they say who else sends them.
func (a *Admin) signed(options []flow.SignalOption) []flow.SignalOption {
	return append([]flow.SignalOption{flow.Sender(a.actor)}, options...)
}

// SignalFlow sends a flow a value for which one of its steps waits, and reports false if it was
// there, by its key. Its sender is the Actor of the Config, unless an option names another. The errors are
// drayhorse.ErrNotFound, also if no step is that signal; ErrSignalled, ErrSignalLate, ErrInvalid and ErrUnavailable.
func (a *Admin) SignalFlow(ctx context.Context, id, name string, payload any, options ...flow.SignalOption) (first bool, err error) {
	signal, err := jobs.NewSignal(name, payload, a.signed(options))
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
	a.did("flow signalled", events.Event{On: id})
	a.drain(ctx, id)
	return first, nil
}
