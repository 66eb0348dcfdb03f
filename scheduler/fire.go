package scheduler

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
	"github.com/drayhorse/drayhorse/internal/schedules"
)

// maxPending is how many entries for one queue are in the outbox before its schedules
// wait: of a queue that is slow, or of which nobody knows yet that it fails.
const maxPending = 2 * schedules.MaxTicks

// step is what one call of Fire does.
type step struct {
	firings []schedules.Firing
	missed  []missed
	ticks   int
}

// missed counts ticks that were dropped.
type missed struct {
	policy string
	count  int
}

func (s *step) isFull() bool {
	return s.ticks > schedules.MaxTicks || len(s.firings) == schedules.MaxFirings
}

// fire decides on the schedules that are due and puts their ticks into the outbox,
// as many as are good for one step; the next round goes on. It reports whether any
// of them moved on. Those whose queue takes no ticks stay due, and are passed over:
// when it does again, their catch-up policy decides.
func (l *leader) fire(ctx context.Context) (bool, error) {
	var s step
	for offset := 0; ; offset += schedules.MaxFirings {
		look, err := l.scheduler.store.Look(ctx, l.number, offset)
		if err != nil {
			return false, err
		}
		if offset == 0 {
			l.seen(look)
		}
		for _, due := range look.Due {
			if s.isFull() {
				break
			}
			l.consider(ctx, &s, due, look.Now)
		}
		if s.isFull() || len(look.Due) < schedules.MaxFirings {
			break
		}
	}
	if len(s.firings) == 0 {
		return false, nil
	}
	return l.step(ctx, &s)
}

// seen takes note of when to look again, and notices an outbox that is not as it was
// left: Redis has failed over to an older state, say.
func (l *leader) seen(look *schedules.Look) {
	sleep := longestSleep
	if !look.Next.IsZero() {
		sleep = min(sleep, look.Next.Sub(look.Now))
	}
	l.lookAt = time.Now().Add(sleep)
	if look.Pending != l.outbox.len() {
		l.outbox.forget()
		l.lookAt = time.Now()
	}
}

// consider adds one schedule to a step, if its queue takes ticks.
func (l *leader) consider(ctx context.Context, s *step, due schedules.Due, now time.Time) {
	p, err := l.known.get(due.ID, due.Raw)
	if err == nil && l.waits(&p.record.Declaration) {
		return
	}
	firing, lost := l.firing(ctx, due, now)
	for _, e := range firing.Entries {
		if l.outbox.of(e.Queue) >= maxPending || l.fails(e) {
			return
		}
	}
	s.firings, s.missed = append(s.firings, firing), append(s.missed, lost)
	s.ticks += len(firing.Entries)
}

// waits reports whether a schedule is not to fire, whatever its next tick: its queue
// takes none, or what becomes of it depends on one that is still in the outbox.
func (l *leader) waits(d *schedules.Declaration) bool {
	if d.Overlap != schedules.OverlapAllow && l.outbox.has(d.ID) {
		return true
	}
	partitions := l.queues.known[d.Queue]
	healthy := func(p *jobs.Partition) bool { return l.delays.failing[p] == 0 }
	return l.queues.fails(d.Queue) || len(partitions) > 0 && !slices.ContainsFunc(partitions, healthy)
}

// step makes one call of Fire.
func (l *leader) step(ctx context.Context, s *step) (bool, error) {
	moved, err := l.scheduler.store.Fire(ctx, l.number, s.firings)
	if err != nil {
		return false, err
	}
	for i, m := range s.missed {
		if !moved[i] {
			continue
		}
		l.outbox.add(s.firings[i].Entries...)
		if m.count > 0 {
			l.scheduler.metrics.missed.WithLabelValues(m.policy).Add(float64(m.count))
		}
	}
	if !slices.Contains(moved, true) {
		l.lookAt = time.Now().Add(shortSleep)
		return false, nil
	}
	l.lookAt = time.Now() // a schedule may be due again
	return true, nil
}

// firing decides on one schedule. One that cannot be read never fires again until
// it is declared anew.
func (l *leader) firing(ctx context.Context, due schedules.Due, now time.Time) (schedules.Firing, missed) {
	f := schedules.Firing{ID: due.ID, Tick: due.Tick}
	p, err := l.known.get(due.ID, due.Raw)
	if err != nil {
		l.scheduler.metrics.broken.Inc()
		l.scheduler.log.ErrorContext(ctx, "schedule cannot be read and is set aside", slog.String(logs.Schedule, due.ID), slog.Any(logs.Error, err))
		f.Revision = schedules.RevisionOf(due.Raw)
		return f, missed{}
	}
	d := decide(&p.record.Declaration, p.timetable, due.Tick, now)
	f.Revision, f.Next, f.Decided = p.record.Revision, d.next, d.last
	for _, tick := range d.fire {
		f.Entries = append(f.Entries, schedules.Entry{Schedule: due.ID, Tick: tick, Queue: p.record.Queue})
	}
	if d.missed > 0 {
		f.Missed = &schedules.Event{Tick: d.lost, At: now, Outcome: schedules.Missed, Count: d.missed}
	}
	return f, missed{p.record.CatchUp, d.missed}
}
