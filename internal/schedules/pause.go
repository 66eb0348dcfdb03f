package schedules

import (
	"context"
	"errors"
	"fmt"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// Pause stops the ticks of a schedule until Resume. Those that come meanwhile are
// skipped: whatever the catch-up policy, they are not made up. The error is
// drayhorse.ErrNotFound.
func (s *Store) Pause(ctx context.Context, id string) error {
	_, err := s.run(ctx, pauseScript, id)
	return known(id, err)
}

// known leaves out what was to be done to a schedule that is not there.
func known(id string, err error) error {
	if errors.Is(err, drayhorse.ErrNotFound) {
		return fmt.Errorf("%w: schedule %s", drayhorse.ErrNotFound, id)
	}
	return err
}

// Resume lets a paused schedule go on from its next tick. The error is
// drayhorse.ErrNotFound.
func (s *Store) Resume(ctx context.Context, id string) error {
	for range tries {
		page, err := s.list(ctx, "0", id)
		if err != nil {
			return err
		}
		revision, next := "", ""
		if len(page.found) > 0 {
			old := page.found[0]
			at, err := first(&old.Declaration, page.now, old.Last)
			if err != nil {
				return err
			}
			revision, next = old.Revision, ms(at)
		}
		reply, err := s.run(ctx, resumeScript, id, revision, next)
		if err != nil || redis.AsString(reply) != "changed" {
			return known(id, err)
		}
	}
	return fmt.Errorf("resume schedule %s: %w", id, errBusy)
}
