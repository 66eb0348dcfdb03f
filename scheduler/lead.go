package scheduler

import (
	"context"
	"errors"
	"log/slog"
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

// leader is one term. Its rounds alone talk to the schedules in Redis and own its
// state. Queues are talked to by deliveries, each in a goroutine of its own, so that
// one that does not answer delays nothing but its own ticks.
type leader struct {
	scheduler *Scheduler
	number    int64 // of the term
	known     catalog
	queues    *directory
	outbox    *outbox
	delays    delays
	inFlight  inFlight
	writers   map[*jobs.Partition]*jobs.Writer
	mail      *mailbox

	polled time.Time // when the entries that wait were looked at
	lookAt time.Time // when the next schedule may be due
}

func newLeader(s *Scheduler, term int64) *leader {
	mail := newMailbox()
	return &leader{
		scheduler: s, number: term, known: catalog{}, queues: newDirectory(s.engine, mail), outbox: &outbox{},
		delays: newDelays(), inFlight: inFlight{}, writers: map[*jobs.Partition]*jobs.Writer{}, mail: mail,
	}
}

// lead leads whenever this scheduler is elected.
func (s *Scheduler) lead(ctx context.Context) error {
	return s.election.Run(ctx, func(ctx context.Context, term int64) error {
		s.setLeads(true)
		defer s.setLeads(false)
		defer s.metrics.delayed.Set(0)
		l := newLeader(s, term)
		defer s.leaving.Go(l.close) // the lead is not kept until a silent node answers
		return l.run(ctx)
	})
}

func (s *Scheduler) setLeads(leads bool) {
	if s.leads.Swap(leads) != leads { // others may share the gauge
		s.metrics.leader.Add(2*metrics.Flag(leads) - 1)
	}
}

// close waits for what is on its way, after the end of the term's context.
func (l *leader) close() {
	l.mail.wait()
	for _, writer := range l.writers {
		writer.Close()
	}
}

// run works until the term ends. What an earlier leader has left in the outbox
// comes first. It returns an error only for what waiting cannot mend.
func (l *leader) run(ctx context.Context) error {
	log := l.scheduler.log.With(slog.Int64(logs.Term, l.number))
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
			l.mail.await(ctx, sleep)
		case errors.Is(err, schedules.ErrTerm):
			l.scheduler.metrics.refused.Inc()
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

// round takes note of what deliveries came to, sends what is in the outbox on its
// way, and fires what is due. It says how long there is nothing to do. After an error
// it is not known what the outbox holds, and the next round reads it anew.
func (l *leader) round(ctx context.Context) (sleep time.Duration, err error) {
	defer func() {
		if err != nil {
			l.outbox.forget()
		}
	}()
	for _, step := range []func(context.Context) error{l.settle, l.restore, l.poll, l.resend} {
		if err := step(ctx); err != nil {
			return 0, err
		}
	}
	if time.Now().Before(l.lookAt) { // woken by a delivery
		return l.sleep(), nil
	}
	fired, err := l.fire(ctx)
	if err != nil {
		return 0, err
	}
	if fired {
		return 0, l.resend(ctx)
	}
	return l.sleep(), nil
}

// sleep is the time until something is to be done that no delivery brings about.
func (l *leader) sleep() time.Duration {
	next := l.lookAt
	for _, at := range []time.Time{l.polled.Add(pollEvery), l.outbox.soonest(), l.queues.soonest()} {
		if !at.IsZero() && at.Before(next) {
			next = at
		}
	}
	return time.Until(next)
}
