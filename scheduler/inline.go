package scheduler

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/inline"
	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/schedules"
)

func init() {
	inline.OpenScheduler = func(ctx context.Context, s any) (inline.Scheduler, error) {
		return openInline(ctx, s.(*Scheduler)) // which is what the door takes
	}
}

// inlined is a leader whose rounds are made by whoever calls Fire.
type inlined struct {
	*leader
	client *redis.Client
}

// inlineTerm is its term. It is not elected: where it leads, nobody else does.
const inlineTerm = 1

// openInline writes what a scheduler declares that has not run, and makes it lead.
func openInline(ctx context.Context, s *Scheduler) (_ *inlined, err error) {
	if err := s.start(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.client.Close())
		}
	}()
	if err := s.client.Check(ctx); err != nil {
		return nil, err
	}
	if len(s.declared) > 0 || s.named {
		source := s.source()
		changes, err := s.store.Declare(ctx, &source)
		if err != nil {
			return nil, err
		}
		for _, c := range changes {
			if c.What == schedules.ChangeClash {
				return nil, fmt.Errorf("%w: schedule %s is declared by source %q already", drayhorse.ErrDuplicate, c.ID, c.Owner)
			}
		}
	}
	return &inlined{leader: newLeader(s, inlineTerm), client: s.client}, nil
}

// Addr is where the schedules are.
func (i *inlined) Addr() string { return i.client.Addr() }

// Close ends the connections.
func (i *inlined) Close() error {
	i.close()
	return i.client.Close()
}

// Fire makes rounds until nothing is due and no tick is on its way. A queue that takes no
// ticks is tried until ctx ends.
func (i *inlined) Fire(ctx context.Context) error {
	i.polled = time.Time{}
	for ctx.Err() == nil {
		i.lookAt = time.Time{} // the clock is another one than the machine's
		i.outbox.lookAtAll()
		sleep, err := i.round(ctx)
		if err != nil {
			return err
		}
		if len(i.inFlight) > 0 || i.queues.asking {
			i.mail.wait()
			continue
		}
		if sleep > 0 && i.outbox.len() == 0 {
			return nil
		}
		i.mail.await(ctx, sleep)
	}
	return fmt.Errorf("%d ticks cannot be enqueued: %w", i.outbox.len(), ctx.Err())
}

// NextTick is when the next tick is due.
func (i *inlined) NextTick(ctx context.Context) (time.Time, error) {
	look, err := i.scheduler.store.Look(ctx, i.number, 0)
	if err != nil {
		return time.Time{}, err
	}
	return look.Next, nil
}
