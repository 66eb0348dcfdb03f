package lock

import (
	"context"
	"errors"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse/internal/redis"
)

const (
	// round is how long one blocking pop lasts. Nothing interrupts it, so an ear
	// may listen for that long after its contender has gone.
	round = time.Second
	// hung is how long the answer to a pop may take.
	hung = 2 * time.Second
)

// listen waits for the bell once, until ctx ends. The bell is a hint: whoever
// loses one waits for its next look.
func (l *Locker) listen(ctx context.Context, bell string) <-chan struct{} {
	rung := make(chan struct{})
	l.ears.Go(func() {
		for ctx.Err() == nil {
			heard, err := l.pop(ctx, bell)
			if err != nil {
				pause(ctx, l.cfg.pause())
				continue
			}
			if !heard {
				continue
			}
			select {
			case rung <- struct{}{}:
			case <-ctx.Done():
				l.ring(ctx, bell)
			}
			return
		}
	})
	return rung
}

func (l *Locker) pop(ctx context.Context, bell string) (bool, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), hung)
	defer cancel()
	err := l.client.Blocking().BRPop(ctx, round, bell).Err()
	if errors.Is(err, goredis.Nil) {
		return false, nil
	}
	return err == nil, err
}

// ring gives others a bell that came too late for this contender.
func (l *Locker) ring(ctx context.Context, bell string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.cfg.call())
	defer cancel()
	_, _ = l.run(ctx, redis.Call{Script: ringScript, Keys: []string{bell}, Args: []any{bellStays.Milliseconds()}})
}
