package scheduler

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
	"github.com/drayhorse/drayhorse/internal/metrics"
	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/schedules"
)

// longestSleep is how long a leader sleeps at most: then it sees schedules that
// were added, and jumps of Redis's clock.
const longestSleep = time.Second

// shortSleep keeps a leader from spinning over schedules that change all the time.
const shortSleep = 100 * time.Millisecond

// leader is one term.
type leader struct {
	*Scheduler

	number int64 // of the term
	known  catalog
	lanes  map[*jobs.Partition]*jobs.Lane
	polled time.Time // when the entries that wait were looked at
}

// lead leads whenever this scheduler is elected.
func (s *Scheduler) lead(ctx context.Context) error {
	return s.election.Run(ctx, func(ctx context.Context, term int64) error {
		s.setLeads(true)
		defer s.setLeads(false)
		l := &leader{Scheduler: s, number: term, known: catalog{}, lanes: map[*jobs.Partition]*jobs.Lane{}}
		defer l.close()
		return l.run(ctx)
	})
}

func (s *Scheduler) setLeads(leads bool) {
	s.leads.Store(leads)
	s.metrics.leader.Set(metrics.Flag(leads))
}

func (l *leader) close() {
	for _, lane := range l.lanes {
		lane.Close()
	}
}

// run works until the term ends. What an earlier leader has left in the outbox
// comes first. It returns an error only for what waiting cannot mend.
func (l *leader) run(ctx context.Context) error {
	log := l.log.With(slog.Int64(logs.Term, l.number))
	delayed := false // and somebody was told
	for backoff := (redis.Backoff{}); ctx.Err() == nil; {
		sleep, err := l.round(ctx)
		switch {
		case err == nil:
			if delayed {
				log.InfoContext(ctx, "ticks go on")
				delayed = false
			}
			backoff.Reset()
			pause(ctx, sleep)
		case errors.Is(err, schedules.ErrTerm):
			l.metrics.refused.Inc()
			log.WarnContext(ctx, "another scheduler leads, this one follows", slog.Any(logs.Error, err))
			return nil
		case errors.Is(err, drayhorse.ErrFormat):
			return err
		default:
			if ctx.Err() == nil && !delayed {
				log.WarnContext(ctx, "ticks are delayed", slog.Any(logs.Error, err))
				delayed = true
			}
			backoff.Wait(ctx)
		}
	}
	return nil
}

// round enqueues what is in the outbox, fires what is due and enqueues that. It
// says how long there is nothing to do.
func (l *leader) round(ctx context.Context) (time.Duration, error) {
	if err := l.drive(ctx); err != nil {
		return 0, err
	}
	look, err := l.store.Look(ctx, l.number)
	if err != nil {
		return 0, err
	}
	asked := time.Now()
	if len(look.Due) > 0 {
		if moved, err := l.fire(ctx, look); err != nil || moved {
			return 0, err
		}
		return shortSleep, nil
	}
	sleep := longestSleep
	if !look.Next.IsZero() {
		sleep = min(sleep, look.Next.Sub(look.Now))
	}
	return sleep - time.Since(asked), nil
}

// fire decides on the schedules that are due and puts their ticks into the outbox,
// as many as are good for one step; the next round goes on. It reports whether any
// of them moved on.
func (l *leader) fire(ctx context.Context, look *schedules.Look) (bool, error) {
	var firings []schedules.Firing
	var missed []missed
	ticks := 0
	for _, due := range look.Due {
		if ticks > schedules.MaxTicks {
			break
		}
		firing, lost := l.firing(ctx, due, look.Now)
		ticks += len(firing.Entries)
		firings, missed = append(firings, firing), append(missed, lost)
	}
	moved, err := l.store.Fire(ctx, l.number, firings)
	if err != nil {
		return false, err
	}
	for i, m := range missed {
		if moved[i] && m.count > 0 {
			l.metrics.missed.WithLabelValues(string(m.policy)).Add(float64(m.count))
		}
	}
	return slices.Contains(moved, true), nil
}

// missed counts ticks that were dropped.
type missed struct {
	policy schedules.CatchUp
	count  int
}

// firing decides on one schedule. One that cannot be read never fires again until
// it is declared anew.
func (l *leader) firing(ctx context.Context, due schedules.Due, now time.Time) (schedules.Firing, missed) {
	f := schedules.Firing{ID: due.ID, Tick: due.Tick}
	p, err := l.known.get(due.ID, due.Raw)
	if err != nil {
		l.metrics.broken.Inc()
		l.log.ErrorContext(ctx, "schedule cannot be read and is set aside", slog.String(logs.Schedule, due.ID), slog.Any(logs.Error, err))
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

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
