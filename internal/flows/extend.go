package flows

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
)

// Extend adds steps to a flow, from within a run of one of its steps. It may be called again: steps
// that are there are not added twice. The errors are drayhorse.ErrInvalid; ErrDuplicate if there are other
// steps of these names; ErrFlowEnded if the flow was cancelled, or that run has ended; and those of Redis.
func (s *Store) Extend(ctx context.Context, id string, made time.Time, step, run int, more *flow.Flow, maxArgs int) error {
	ordered, err := more.Ordered()
	if err != nil {
		return err
	}
	switch {
	case more.ID != "" && more.ID != id, more.Deadline != 0, more.Retain != 0:
		return fmt.Errorf("%w: steps of flow %q with Deadline %v and Retain %v are to be added to flow %q; want its ID or none, and neither of these", drayhorse.ErrInvalid, more.ID, more.Deadline, more.Retain, id)
	case len(ordered) > flow.MaxExtend:
		return fmt.Errorf("%w: %d steps to be added to a flow; at most %d at once", drayhorse.ErrInvalid, len(ordered), flow.MaxExtend)
	}
	args, size := []any{made.UnixMilli(), fmt.Sprintf("%d.%d", step, run)}, 0
	for _, step := range ordered {
		var l laid
		if err := s.layOutStep(ctx, step, &l, io.Discard.Write, maxArgs); err != nil {
			return fmt.Errorf("step %q: %w", step.Name, err)
		}
		for _, e := range step.Edges {
			l.ins += e.To.Name + "," + string(rune(e.Policy)) + ";"
		}
		size += l.bytes()
		args = append(args, l.label, l.job, l.ins)
	}
	if size > flow.MaxAddBytes {
		return fmt.Errorf("%w: steps of %d bytes to be added to a flow; at most %d at once", drayhorse.ErrInvalid, size, flow.MaxAddBytes)
	}
	err = s.insist(ctx, func() error {
		_, err := s.run(ctx, extendScript, id, args...)
		return s.whenBusy(ctx, id, err)
	})
	if errors.Is(err, drayhorse.ErrNotFound) {
		err = fmt.Errorf("%w: flow %s is known no more", drayhorse.ErrFlowEnded, id)
	}
	if err == nil {
		_ = s.Drain(ctx, id) // a worker does the rest
	}
	return err
}
