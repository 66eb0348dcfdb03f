package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/logs"
	redisconn "github.com/drayhorse/drayhorse/internal/redis"
)

// redisWatch knows whether Redis answers.
type redisWatch struct {
	queues Queues
	log    *slog.Logger
	up     func(bool)

	mu     sync.Mutex
	looked bool
	last   error
}

// How often Redis is looked at, and how long it may take to answer.
const (
	lookEvery   = 2 * time.Second
	lookTimeout = 2 * time.Second
)

// run looks at Redis until ctx ends.
func (w *redisWatch) run(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		w.look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (w *redisWatch) look(parent context.Context) {
	ctx, cancel := context.WithTimeout(parent, lookTimeout)
	defer cancel()
	_, err := w.queues.Queue(ctx, drayhorse.DefaultQueue)
	if errors.Is(err, drayhorse.ErrNotFound) {
		err = nil
	}
	if parent.Err() != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	now := condition(err)
	switch changed := now != condition(w.last); {
	case changed && err != nil:
		w.log.WarnContext(parent, now, slog.String(logs.Error, err.Error()))
	case changed:
		w.log.InfoContext(parent, now)
	}
	w.up(err == nil)
	w.looked, w.last = true, err
}

// condition is what the log says of Redis.
func condition(err error) string {
	switch {
	case err == nil:
		return "redis is back"
	case errors.Is(err, redisconn.ErrServer):
		return "redis is not usable; jobs are refused until it is"
	}
	return "redis is away; jobs are refused until it is back"
}

var errNotLooked = errors.New("redis has not answered yet")

// err is why Redis cannot be used; nil: it can.
func (w *redisWatch) err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.looked {
		return errNotLooked
	}
	return w.last
}
