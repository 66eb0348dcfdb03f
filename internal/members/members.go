// Package members is how package flow finds the batch of which a running job is a member, or the flow
// of which it is a step.
package members

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/drayhorse/drayhorse"
)

// Run is one run of the handler of a member or a step.
type Run interface {
	// IsStep reports whether it is a step.
	IsStep() bool
	// Add adds jobs to the batch of a member.
	Add(ctx context.Context, specs []drayhorse.Spec) error
	// Result gives the result of a step of the same flow, as JSON.
	Result(ctx context.Context, step string) (json.RawMessage, error)
}

// Key is what the contexts of handlers are asked for, whose Value is a Run if the job is a
// member of a batch or a step of a flow.
type Key struct{}

// Of gives the run that ctx is of. The error is drayhorse.ErrInvalid if it is of none.
func Of(ctx context.Context) (Run, error) {
	if r, ok := ctx.Value(Key{}).(Run); ok {
		return r, nil
	}
	return nil, fmt.Errorf("%w: the context is not that of a handler whose job is a member of a batch or a step of a flow", drayhorse.ErrInvalid)
}
