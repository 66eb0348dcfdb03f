package httpapi

import (
	"time"

	"golang.org/x/time/rate"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobjson"
	"github.com/drayhorse/drayhorse/internal/scope"
)

// caller is who makes a request.
type caller struct {
	Token

	puts  *rate.Limiter // jobs
	looks *rate.Limiter // look-ups and cancels
	alone bool          // there are no others
}

// newCaller makes the caller of a token; rates are those of tokens that name none.
func newCaller(t Token, rates Rates) *caller {
	return &caller{Token: t, puts: limiter(t.Rate, rates.Rate), looks: limiter(t.ReadRate, rates.ReadRate)}
}

func limiter(own *float64, fallback int) *rate.Limiter {
	n := float64(fallback)
	if own != nil {
		n = *own
	}
	if n == 0 {
		return rate.NewLimiter(rate.Inf, 0)
	}
	return rate.NewLimiter(rate.Limit(n), max(int(n), 1)) // a second's worth at once
}

// inherit takes over what a caller of the same token has used up: a reload of the file
// gives nobody another second's worth.
func (c *caller) inherit(before *caller) {
	if before.puts.Limit() == c.puts.Limit() {
		c.puts = before.puts
	}
	if before.looks.Limit() == c.looks.Limit() {
		c.looks = before.looks
	}
}

// anybody is the caller where no tokens are asked for.
func anybody(rates Rates) *caller {
	all := scope.Scope{scope.Every}
	c := newCaller(Token{Name: "anybody", Enqueue: all, Read: all, Cancel: all, Signal: all, DeleteQueues: all}, rates)
	c.alone = true
	return c
}

// mayEnqueue refuses jobs that are out of the caller's scope or beyond his limits. Where
// a job leaves a value to the default, it gets no more than the limit.
func (c *caller) mayEnqueue(job *jobjson.Job) error {
	queue, kind := job.Settings.Queue, job.Spec.Args.Kind()
	switch {
	case !c.Enqueue.HasQueue(queue):
		return forbidden.in("queue", "token %q may not enqueue to queue %q", c.Name, queue)
	case !c.Enqueue.Has(queue, kind):
		return forbidden.in("kind", "token %q may not enqueue kind %q to queue %q", c.Name, kind, queue)
	case c.MaxSize != nil && job.Size > *c.MaxSize:
		return tooLarge.in("args", "%d bytes; token %q may send at most %d", job.Size, c.Name, *c.MaxSize)
	}
	return c.limit(job)
}

func (c *caller) limit(job *jobjson.Job) error {
	s := &job.Settings
	delay, when := s.In, "in"
	if s.Given.Has(drayhorse.FieldAt) {
		delay, when = time.Until(s.At), "at"
	}
	if err := most(c, when, delay, c.MaxDelay); err != nil {
		return err
	}
	if err := most(c, "retain", s.Retain, c.MaxRetain); err != nil {
		return err
	}
	if err := capped(c, job, "timeout", drayhorse.FieldTimeout, s.Timeout, c.MaxTimeout, drayhorse.Timeout); err != nil {
		return err
	}
	return capped(c, job, "max_attempts", drayhorse.FieldMaxAttempts, s.MaxAttempts, c.MaxAttempts, drayhorse.MaxAttempts)
}

// most refuses a value beyond a limit.
func most[T int | time.Duration](c *caller, field string, value T, limit *T) error {
	if limit != nil && value > *limit {
		return forbidden.in(field, "%s of %v; token %q may have at most %v", field, value, c.Name, *limit)
	}
	return nil
}

// capped refuses a value beyond a limit if it was given. A default becomes the limit.
func capped[T int | time.Duration](c *caller, job *jobjson.Job, field string, given drayhorse.Fields, value T, limit *T, option func(T) drayhorse.Option) error {
	if limit != nil && value > *limit && !job.Settings.Given.Has(given) {
		job.Spec.Options = append(job.Spec.Options, option(*limit))
		return nil
	}
	return most(c, field, value, limit)
}

// lookUp is what a caller does whose look-ups are counted.
const lookUp = "look up or cancel jobs"

// hasRate takes n of a caller's jobs, or look-ups, of this second, or none and says when
// there will be as many. A limiter never has more than those of a second, so n counts as
// those at most.
//
// It is asked once a request. In two steps, two requests at once would each keep what
// the other lacks, and clients that ask again at once would never be answered; a
// reservation that is taken back does the same, since [rate.Reservation.CancelAt] keeps
// what was reserved after it.
func (c *caller) hasRate(of *rate.Limiter, n int, what string) error {
	if of.Limit() == rate.Inf {
		return nil
	}
	now := time.Now()
	n = min(n, of.Burst())
	if of.AllowN(now, n) {
		return nil
	}
	missing := max(float64(n)-of.TokensAt(now), 0)
	delay := time.Duration(missing / float64(of.Limit()) * float64(time.Second))
	return rateLimited.later(delay, "", "token %q may %s %v times a second", c.Name, what, float64(of.Limit()))
}
