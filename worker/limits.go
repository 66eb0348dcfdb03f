package worker

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
)

// ValidateLimits reports the first impossible value of Limits, as drayhorse.ErrInvalid.
func (c *Config) ValidateLimits() error {
	names := map[string]bool{}
	for i := range c.Limits {
		l := &c.Limits[i]
		if err := l.Validate(); err != nil {
			return err
		}
		if names[l.Name] {
			return fmt.Errorf("%w: two limits are named %s; want a name for each", drayhorse.ErrInvalid, l.Name)
		}
		names[l.Name] = true
	}
	return nil
}

// declareLimits has Redis know the worker's limits before it claims anything.
func (s *session) declareLimits(ctx context.Context) error {
	for i := range s.cfg.Limits {
		l := &s.cfg.Limits[i]
		now, err := s.limits.Set(ctx, l, false, "", "")
		if err != nil {
			return err
		}
		if now.Operator && now.Limit != *l {
			s.log.WarnContext(ctx, "an operator's limit holds in place of the worker's", slog.String("limit", l.Name),
				slog.String(logs.Queue, l.Queue), slog.Int("concurrency", now.Concurrency), slog.String("rate", now.Rate.String()))
		}
	}
	return nil
}

// joinWait is how long the node with the limits that queues share may take before the worker starts without its answer:
// queues on other nodes wait for it no longer.
const joinWait = 2 * time.Second

// joinLimits has the partitions of new sources know the limits that all queues share. Where that cannot be said now, it
// is tried again: a partition that has known them keeps to them meanwhile.
func (s *session) joinLimits(ctx context.Context) {
	if len(s.unjoined) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, joinWait)
	defer cancel()
	if err := s.limits.Join(ctx, s.unjoined); err != nil {
		s.log.WarnContext(ctx, "limits of all queues are not known in each of them yet", slog.String(logs.Error, err.Error()))
		return
	}
	s.unjoined = nil
}

// follow has the shares of limits follow what a look has seen, unless that goes on already. It has a time of its own:
// the limits may be on another node.
func (n *node) follow(ctx context.Context, shares []jobs.Share) {
	if len(shares) == 0 || !n.following.CompareAndSwap(false, true) {
		return
	}
	n.loops.Go(func() {
		defer n.following.Store(false)
		ctx, cancel := context.WithTimeout(ctx, followWait)
		defer cancel()
		err := n.limits.Balance(ctx, shares)
		if failed := err != nil && ctx.Err() == nil; n.unfollowed.Swap(failed) != failed && failed {
			n.log.WarnContext(ctx, "shares of limits stay as they are", slog.String(logs.Error, err.Error()))
		}
	})
}

// followWait is how long one call may take that shares limits out.
const followWait = 5 * time.Second
