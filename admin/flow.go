package admin

import (
	"context"
	"errors"
	"log/slog"

	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/logs"
)

// Flows gives batches, those that were made last first, at most limit, and 1,000 at most.
func (a *Admin) Flows(ctx context.Context, limit int) ([]*flow.Info, error) {
	if err := a.check(ctx); err != nil {
		return nil, err
	}
	return a.flows.List(ctx, limit)
}

// Flow gives what is known of a batch, at a cost that does not grow with it. The errors are
// drayhorse.ErrNotFound, ErrInvalid and ErrUnavailable.
func (a *Admin) Flow(ctx context.Context, id string) (*flow.Info, error) {
	if err := errors.Join(flow.ValidateID(id), a.check(ctx)); err != nil {
		return nil, err
	}
	return a.flows.Get(ctx, id)
}

// CancelFlow cancels all members of a batch that have not ended, and has it take no more. It may
// be called again. The errors are drayhorse.ErrNotFound, ErrFlowEnded, ErrInvalid and
// ErrUnavailable.
func (a *Admin) CancelFlow(ctx context.Context, id string) (*flow.Info, error) {
	if err := errors.Join(flow.ValidateID(id), a.check(ctx)); err != nil {
		return nil, err
	}
	if _, err := a.flows.Cancel(ctx, id, "cancelled"); err != nil {
		return nil, err
	}
	a.log.InfoContext(ctx, "batch cancelled", slog.String("flow", id))
	if err := a.flows.Drain(ctx, id); err != nil { // a worker does the rest
		a.log.DebugContext(ctx, "batch left to workers", slog.String(logs.Error, err.Error()))
	}
	return a.flows.Get(ctx, id)
}
