// Package members is how package flow finds the batch of which a running job is a member.
package members

import (
	"context"
	"fmt"

	"github.com/drayhorse/drayhorse"
)

// Run is one run of a member's handler.
type Run interface {
	// Add adds jobs to the batch.
	Add(ctx context.Context, specs []drayhorse.Spec) error
}

// Key is what the contexts of handlers are asked for, whose Value is a Run if the job is a
// member of a batch.
type Key struct{}

// Of gives the run that ctx is of. The error is drayhorse.ErrInvalid if it is of none.
func Of(ctx context.Context) (Run, error) {
	if r, ok := ctx.Value(Key{}).(Run); ok {
		return r, nil
	}
	return nil, fmt.Errorf("%w: the context is not that of a handler whose job is a member of a batch", drayhorse.ErrInvalid)
}
