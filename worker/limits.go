package worker

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/drayhorse/drayhorse"
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
		now, err := s.engine.SetLimit(ctx, l, false, "", "")
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
