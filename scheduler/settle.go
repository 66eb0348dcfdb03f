package scheduler

import (
	"context"
	"log/slog"
	"time"

	"github.com/drayhorse/drayhorse/internal/logs"
	"github.com/drayhorse/drayhorse/internal/schedules"
)

// settle takes note of what deliveries, and questions for queues, have come to.
func (l *leader) settle(ctx context.Context) error {
	var done []schedules.Clearing
	var notes []schedules.Note
	for _, mail := range l.mail.take() {
		switch m := mail.(type) {
		case *delivery:
			l.inFlight.add(m, -1)
			done = append(done, m.clearings...)
			notes = append(notes, l.landed(ctx, m)...)
		case *looked:
			l.learn(ctx, m)
		}
	}
	l.scheduler.metrics.delayed.Set(float64(len(l.delays.failing) + l.queues.failing()))
	if len(notes) > 0 {
		if err := l.scheduler.store.Note(ctx, notes...); err != nil {
			return err
		}
	}
	return l.clear(ctx, done)
}

// landed says when the schedules of a delivery are to be looked at again.
func (l *leader) landed(ctx context.Context, d *delivery) (notes []schedules.Note) {
	switch {
	case d.err == nil:
		l.recover(ctx, d.route)
	case ctx.Err() == nil:
		notes = l.delay(ctx, d)
	}
	for _, t := range d.ticks {
		id := t.taken.Schedule
		switch {
		case d.stayed[id] && d.box == schedules.Outbox: // what waits goes first
			l.outbox.lookAt(id, time.Now().Add(pollEvery))
			l.polled = time.Time{}
		case d.stayed[id]: // and its job runs still
		default:
			l.outbox.lookAt(id, time.Time{})
		}
	}
	return notes
}

// learn takes note of what is known of queues now, and has all that waited for it looked
// at.
func (l *leader) learn(ctx context.Context, found *looked) {
	l.queues.asking = false
	for name, partitions := range found.known {
		l.queues.known[name] = partitions
		if q := l.queues.wanted[name]; q != nil && q.told {
			l.scheduler.log.InfoContext(ctx, "the queue takes ticks again", slog.String(logs.Queue, name))
		}
		delete(l.queues.wanted, name)
	}
	for name, err := range found.failed {
		q := l.queues.wanted[name]
		q.at = time.Now().Add(q.backoff.Next())
		if !q.told && ctx.Err() == nil {
			q.told = true
			l.scheduler.log.WarnContext(ctx, "a queue takes no ticks, its schedules wait", slog.String(logs.Queue, name), slog.Any(logs.Error, err))
		}
	}
	if len(found.known) > 0 {
		l.outbox.lookAtAll()
		l.polled = time.Time{}
	}
}

// clear takes entries out of the outbox, in Redis and here.
func (l *leader) clear(ctx context.Context, done []schedules.Clearing) error {
	if len(done) == 0 {
		return nil
	}
	if err := l.scheduler.store.Clear(ctx, l.number, done); err != nil {
		return err
	}
	for _, c := range done {
		l.outbox.remove(c.Taken.Entry)
	}
	return nil
}
