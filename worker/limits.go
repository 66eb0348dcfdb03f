package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
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

// declareLimits has Redis know the worker's limits before it claims anything. One of all queues is told later where a
// node of Redis does not answer: queues on other nodes do not wait for it.
func (s *session) declareLimits(ctx context.Context) error {
	for i := range s.cfg.Limits {
		l := &s.cfg.Limits[i]
		err := s.declareLimit(ctx, l)
		switch {
		case err == nil:
		case l.Queue == "" && isAway(err):
			s.log.WarnContext(s.base, "a limit of all queues is not known everywhere yet", slog.String("limit", l.Name), slog.String(logs.Error, err.Error()))
			s.joins.undeclared = append(s.joins.undeclared, l)
		default:
			return err
		}
	}
	return nil
}

func (s *session) declareLimit(ctx context.Context, l *drayhorse.Limit) error {
	if l.Queue == "" {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, joinWait)
		defer cancel()
	}
	now, err := s.limits.Set(ctx, l, false, "", "")
	if err == nil && now.Operator && now.Limit != *l {
		s.log.WarnContext(ctx, "an operator's limit holds in place of the worker's", slog.String("limit", l.Name),
			slog.String(logs.Queue, l.Queue), slog.Int("concurrency", now.Concurrency), slog.String("rate", now.Rate.String()))
	}
	return err
}

// isAway says whether an error is that Redis, or a node of it, has not answered in time.
func isAway(err error) bool {
	return errors.Is(err, drayhorse.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded)
}

// joinWait is how long a node of Redis that has to know limits of all queues may take before the worker goes on without.
const joinWait = 2 * time.Second

// joins are what is still to be said of limits of all queues.
type joins struct {
	mu         sync.Mutex         // held while it is said
	unjoined   []*jobs.Partition  // that may not know all of them
	undeclared []*drayhorse.Limit // the worker's own
}

// joinLimits has partitions of new sources know the limits that all queues share. Where that cannot be said now, it
// is tried again: a partition that has known them keeps to them meanwhile.
func (s *session) joinLimits(ctx context.Context, added ...*jobs.Partition) {
	s.joins.mu.Lock()
	defer s.joins.mu.Unlock()
	s.joins.unjoined = append(s.joins.unjoined, added...)
	if len(s.joins.unjoined) > 0 {
		ctx, cancel := context.WithTimeout(ctx, joinWait)
		defer cancel()
		if err := s.limits.Join(ctx, s.joins.unjoined); err == nil {
			s.joins.unjoined = nil
		} else if len(added) > 0 {
			s.log.WarnContext(s.base, "limits of all queues are not known in each of them yet", slog.String(logs.Error, err.Error()))
		}
	}
	s.joins.undeclared = slices.DeleteFunc(s.joins.undeclared, func(l *drayhorse.Limit) bool {
		err := s.declareLimit(ctx, l)
		if err != nil && !isAway(err) {
			s.log.ErrorContext(s.base, "a limit of all queues cannot be declared", slog.String("limit", l.Name), slog.String(logs.Error, err.Error()))
		}
		return err == nil || !isAway(err)
	})
}

// joinsLimits goes on with what could not be said of limits, apart from other loops.
func (s *session) joinsLimits(ctx context.Context) {
	ticker := time.NewTicker(regroupEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.joinLimits(ctx)
		}
	}
}

// follow has the shares of limits follow what a look has seen, unless that goes on already. It has a time of its own:
// the limits may be on another node.
func (n *node) follow(ctx context.Context, shares []jobs.Share) {
	if len(shares) == 0 || !n.following.CompareAndSwap(false, true) {
		return
	}
	n.loops.Go(func() {
		defer n.following.Store(false)
		within, cancel := context.WithTimeout(ctx, followWait)
		defer cancel()
		err := n.limits.Balance(within, shares)
		if err == nil || ctx.Err() != nil {
			n.unfollowed.Store(false)
		} else if !n.unfollowed.Swap(true) {
			n.log.WarnContext(ctx, "shares of limits stay as they are", slog.String(logs.Error, err.Error()))
		}
	})
}

// followWait is how long one call may take that shares limits out.
const followWait = 5 * time.Second
