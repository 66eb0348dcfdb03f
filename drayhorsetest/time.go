package drayhorsetest

import (
	"time"

	"github.com/drayhorse/drayhorse/internal/inline"
	"github.com/drayhorse/drayhorse/scheduler"
)

// maxSteps is at how many moments something may be due while the clock moves once.
const maxSteps = 20_000

// Advance moves the clock. The jobs of all ticks that come meanwhile are enqueued, each
// at its time; jobs that come to be due wait for Work; what was kept for long enough is
// gone. In a handler that Work runs, it also ends its context if its timeout passes.
func (e *Env) Advance(d time.Duration) {
	e.tb.Helper()
	end := e.end(d)
	for range maxSteps {
		next := e.nextTick()
		if next.IsZero() || next.After(end) {
			e.set(end)
			e.sweep()
			return
		}
		e.set(next)
	}
	e.tb.Fatalf("drayhorsetest: Advance(%v) has more than %d ticks; want less time or fewer ticks", d, maxSteps)
}

// end is the time when d has passed.
func (e *Env) end(d time.Duration) time.Time {
	e.tb.Helper()
	if d < 0 {
		e.tb.Fatalf("drayhorsetest: the clock cannot move by %v; want it to go forward", d)
	}
	return e.Now().Add(d)
}

// set sets the clock, and has happen what happens by itself then.
func (e *Env) set(now time.Time) {
	e.tb.Helper()
	e.server.SetTime(now.UTC())
	if e.working != nil {
		e.working.Expire()
	}
	e.fire()
}

// Schedule declares the schedules of s. Their first ticks come after the time that the
// clock shows now, and the jobs of all of them are enqueued as the clock moves. s must not
// Run.
func (e *Env) Schedule(s *scheduler.Scheduler) {
	e.tb.Helper()
	if s == nil {
		e.tb.Fatal("drayhorsetest: the scheduler is nil")
	}
	if e.schedules[s] {
		return
	}
	ctx, cancel := e.context()
	defer cancel()
	opened, err := inline.OpenScheduler(ctx, s)
	e.require(err)
	e.closes(opened)
	e.requireAddr("scheduler", opened.Addr())
	e.schedules[s], e.leaders = true, append(e.leaders, opened)
}

// fire has schedulers enqueue the jobs of ticks that are due.
func (e *Env) fire() {
	e.tb.Helper()
	for _, s := range e.leaders {
		ctx, cancel := e.context()
		err := s.Fire(ctx)
		cancel()
		e.require(err)
	}
}

// nextTick is when the next tick is due; zero: there is none.
func (e *Env) nextTick() (next time.Time) {
	e.tb.Helper()
	ctx, cancel := e.context()
	defer cancel()
	for _, s := range e.leaders {
		at, err := s.NextTick(ctx)
		e.require(err)
		next = earlier(next, at)
	}
	return next
}

// sweep removes what need not be kept any longer, as workers do now and then.
func (e *Env) sweep() {
	e.tb.Helper()
	ctx, cancel := e.context()
	defer cancel()
	queues, err := e.engine.Queues(ctx)
	e.require(err)
	for _, partitions := range queues {
		for _, p := range partitions {
			_, err := p.SweepAfter(ctx, 0, func(ids []string) { e.swept[p.String()] = append(e.swept[p.String()], ids...) })
			e.require(err)
		}
	}
}

// earlier gives the earlier of two times, of which zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
