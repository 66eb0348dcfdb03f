package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/drayhorse/drayhorse"
)

// Cancel ends a waiting job, or marks a running one to be cancelled. The error is
// drayhorse.ErrNotFound if the job is not live, and a *drayhorse.EndedError where it is
// known that it has ended.
func (p *Partition) Cancel(ctx context.Context, id string) error {
	_, err := p.run(ctx, cancelScript, id)
	return p.orEnded(ctx, id, err)
}

// orEnded makes drayhorse.ErrNotFound of a job that is not live a *drayhorse.EndedError where it
// is known that it has ended.
func (p *Partition) orEnded(ctx context.Context, id string, err error) error {
	if !errors.Is(err, drayhorse.ErrNotFound) {
		return err
	}
	if info, known := p.Get(ctx, id); known == nil && info.State.Ended() {
		return &drayhorse.EndedError{ID: info.ID, State: info.State}
	}
	return err
}

// Retry makes a waiting or ended job available now. The errors are
// drayhorse.ErrNotFound and ErrRunning.
func (p *Partition) Retry(ctx context.Context, id string) error {
	_, err := p.run(ctx, retryScript, id)
	return err
}

// Delete removes a job that does not run. The errors are drayhorse.ErrNotFound and
// ErrRunning.
func (p *Partition) Delete(ctx context.Context, id string) error {
	_, err := p.run(ctx, deleteScript, id)
	return err
}

// purgeStep is how many jobs one step of a purge removes.
const purgeStep = 500

// Purge removes all jobs of a state other than running, in bounded steps, and says
// how many. Interrupted, it has removed a part. The error for a state whose jobs
// cannot be purged is drayhorse.ErrInvalid.
func (p *Partition) Purge(ctx context.Context, state drayhorse.State) (int, error) {
	if state == drayhorse.Running || !slices.Contains(drayhorse.States(), state) {
		return 0, fmt.Errorf("%w: purge of state %q; want %s", drayhorse.ErrInvalid, state, Either(purgeable()))
	}
	removed := 0
	for offset := int64(0); ; {
		value, err := p.run(ctx, purgeScript, string(state), offset, purgeStep)
		if err != nil {
			return removed, err
		}
		reply := asList(value)
		if len(reply) != 3 {
			return removed, fmt.Errorf("purge: unexpected reply %v", value)
		}
		removed += int(asInt(reply[0]))
		offset = asInt(reply[1])
		if asInt(reply[2]) == 0 {
			return removed, nil
		}
	}
}

// purgeable are the states whose jobs can be purged.
func purgeable() []drayhorse.State {
	return slices.DeleteFunc(drayhorse.States(), func(s drayhorse.State) bool { return s == drayhorse.Running })
}

// Either lists states for a message: a, b or c.
func Either(states []drayhorse.State) string {
	var b strings.Builder
	for i, s := range states {
		switch {
		case i == 0:
		case i == len(states)-1:
			b.WriteString(" or ")
		default:
			b.WriteString(", ")
		}
		b.WriteString(string(s))
	}
	return b.String()
}
