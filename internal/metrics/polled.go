package metrics

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse/internal/logs"
)

const (
	// readTimeout is how long a scrape waits for Redis. What was not read by then has no metrics.
	readTimeout = time.Second
	// readEvery is how long an answer is good for: however many scrape, Redis is not asked more often.
	readEvery = time.Second
)

// polled is what is read from Redis when somebody scrapes.
type polled[T any] struct {
	mu     sync.Mutex
	from   []origin[T]
	readAt time.Time
	last   *T
}

// origin is one way to it.
type origin[T any] struct {
	log *slog.Logger
	add func(ctx context.Context, to *T) error
}

// addFrom adds a way to it.
func (p *polled[T]) addFrom(log *slog.Logger, add func(ctx context.Context, to *T) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.from = append(p.from, origin[T]{log, add})
}

// read reads, once for all who ask within readEvery. empty makes what nothing is known of. The answer is not changed
// any more.
func (p *polled[T]) read(empty func() *T) *T {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.readAt.IsZero() && time.Since(p.readAt) < readEvery {
		return p.last
	}
	ctx, cancel := context.WithTimeout(context.Background(), readTimeout)
	defer cancel()
	p.last = empty()
	p.from = slices.DeleteFunc(p.from, func(o origin[T]) bool {
		err := o.add(ctx, p.last)
		if err != nil {
			o.log.DebugContext(ctx, "something cannot be measured", slog.String(logs.Error, err.Error()))
		}
		return errors.Is(err, goredis.ErrClosed) // that worker or scheduler has ended
	})
	p.readAt = time.Now()
	return p.last
}
