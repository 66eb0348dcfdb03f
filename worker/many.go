package worker

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/members"
	"github.com/drayhorse/drayhorse/internal/steps"
)

const (
	defaultUpTo   = 100
	maxUpTo       = 10_000
	defaultLinger = 50 * time.Millisecond
	maxLinger     = time.Minute
)

// UpTo is how many jobs one call of a handler of many gets at most, 1 to 10,000; default
// 100. It never gets more than the worker has slots (Config.Concurrency), since each of
// its jobs holds one.
func UpTo(n int) KindOption {
	if n < 1 || n > maxUpTo {
		panic(fmt.Sprintf("worker: UpTo(%d): want 1 to %d jobs a call", n, maxUpTo))
	}
	return func(r *registration) { r.upTo = n }
}

// Linger is how long the first job of a call of a handler of many waits for others, if
// there are fewer than UpTo; at most a minute, default 50 ms.
func Linger(d time.Duration) KindOption {
	if d <= 0 || d > maxLinger {
		panic(fmt.Sprintf("worker: Linger(%v): want more than 0, and at most %v", d, maxLinger))
	}
	return func(r *registration) { r.linger = d }
}

// HandleMany registers a handler of T's kind that gets many jobs in one call, for work
// that costs about as much for a hundred as for one, such as an insert into a database. It
// panics as [Handle] does.
//
// The handler returns nil if all jobs are completed, and otherwise one error for each of
// them, in their order: nil, or what a handler of one job returns. Another number of
// errors, or a panic, fails the attempt of each.
//
// A call begins when there are [UpTo] jobs, or when the first of them has waited for
// [Linger]. Apart from that they are jobs like any others: each holds a slot and a lease
// of its own and passes the limits, middleware is called once for each, and each has its
// own attempts, timeout, cancellation, result and log. A timeout begins before the wait.
// The job whose context ends in the wait is not in the call; the call's context ends
// when the contexts of all its jobs have, with the cause of the last. Calls run beside
// each other as long as there are slots: with twice as many of them as UpTo, one call
// gathers while another runs. Package step does not work in such a handler.
func HandleMany[T drayhorse.Args](w *Worker, handler func(ctx context.Context, jobs []*drayhorse.Job[T]) []error, options ...KindOption) {
	HandleManyOfKind(w, kindOf[T](), handler, options...)
}

// HandleManyOfKind is HandleMany for a kind that has no Go type, or another one; see
// [HandleKind].
func HandleManyOfKind[T any](w *Worker, kind string, handler func(ctx context.Context, jobs []*drayhorse.Job[T]) []error, options ...KindOption) {
	if handler == nil {
		panic(fmt.Sprintf("worker: the handler of kind %q is nil", kind))
	}
	r := &registration{upTo: defaultUpTo, linger: defaultLinger}
	for _, o := range options {
		o(r)
	}
	g := &gatherer[T]{handler: handler, kind: kind, linger: r.linger, upTo: func() int { return min(r.upTo, w.cfg.Concurrency) }}
	r.handler = typed(g.handle, r.strict)
	w.register(kind, r)
}

// gatherer makes one call of a handler for many jobs, whose own handlers wait meanwhile.
type gatherer[T any] struct {
	handler func(ctx context.Context, jobs []*drayhorse.Job[T]) []error
	kind    string
	upTo    func() int
	linger  time.Duration

	mu   sync.Mutex
	open *gathering[T] // that may still get jobs; nil: none
}

// gathering is one call of the handler. Until it is closed the gatherer's mutex guards it.
type gathering[T any] struct {
	members []*member[T]
	full    chan struct{} // closed when it has as many jobs as it may
	done    chan struct{} // closed when each member has its error
}

// member is a job of a call.
type member[T any] struct {
	ctx context.Context //nolint:containedctx // of the job
	job *drayhorse.Job[T]
	err error
}

// handle is the handler of one of the jobs. The first of a call makes it.
func (g *gatherer[T]) handle(ctx context.Context, job *drayhorse.Job[T]) error {
	m := &member[T]{ctx: ctx, job: job, err: errGoexit} // stands until the handler returns
	c, first := g.join(m)
	if first {
		g.lead(ctx, c)
		return m.err
	}
	select {
	case <-c.done:
	case <-ctx.Done():
		if g.leave(c, m) {
			return context.Cause(ctx)
		}
		<-c.done
	}
	return m.err
}

// join puts a job into the call that gathers. The first one makes it.
func (g *gatherer[T]) join(m *member[T]) (c *gathering[T], first bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c, first = g.open, g.open == nil; first {
		c = &gathering[T]{full: make(chan struct{}), done: make(chan struct{})}
		g.open = c
	}
	c.members = append(c.members, m)
	if len(c.members) >= g.upTo() {
		close(c.full)
		g.open = nil
	}
	return c, first
}

// leave takes a job out of a call that still gathers.
func (g *gatherer[T]) leave(c *gathering[T], m *member[T]) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open != c {
		return false
	}
	c.members = slices.DeleteFunc(c.members, func(other *member[T]) bool { return other == m })
	return true
}

// lead waits until a call has its jobs, or ctx, which is of its first one, ends; and makes
// it. However that ends, the other jobs learn of it.
func (g *gatherer[T]) lead(ctx context.Context, c *gathering[T]) {
	defer close(c.done)
	linger := time.NewTimer(g.linger)
	defer linger.Stop()
	select {
	case <-c.full:
	case <-linger.C:
	case <-ctx.Done():
	}
	g.mu.Lock()
	if g.open == c {
		g.open = nil
	}
	g.mu.Unlock()
	var called []*member[T]
	for _, m := range c.members {
		if m.ctx.Err() != nil {
			m.err = context.Cause(m.ctx)
		} else {
			called = append(called, m)
		}
	}
	if len(called) > 0 {
		g.call(called)
	}
}

// call calls the handler and tells the jobs how they ended.
func (g *gatherer[T]) call(members []*member[T]) {
	jobs := make([]*drayhorse.Job[T], len(members))
	for i, m := range members {
		jobs[i] = m.job
	}
	ctx, release := together(members)
	defer release()
	errs, err := g.guarded(ctx, jobs)
	if err == nil && errs != nil && len(errs) != len(jobs) {
		err = fmt.Errorf("%w: the handler of kind %q returned %d errors for %d jobs; want nil or one for each", drayhorse.ErrInvalid, g.kind, len(errs), len(jobs))
	}
	for i, m := range members {
		switch {
		case err != nil:
			m.err = err
		case errs == nil:
			m.err = nil
		default:
			m.err = errs[i]
		}
	}
}

// guarded calls the handler and makes its panic an error.
func (g *gatherer[T]) guarded(ctx context.Context, jobs []*drayhorse.Job[T]) (errs []error, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = newPanicError(p)
		}
	}()
	return g.handler(ctx, jobs), nil
}

// together gives the context of a call, which ends with the last of its jobs' contexts.
func together[T any](members []*member[T]) (ctx context.Context, release func()) {
	c := &manyContext{Context: context.WithoutCancel(members[0].ctx)}
	for _, m := range members {
		if at, ok := m.ctx.Deadline(); ok && at.After(c.deadline) {
			c.deadline = at
		}
	}
	ctx, end := context.WithCancelCause(c)
	var alive atomic.Int64
	alive.Store(int64(len(members)))
	stops := make([]func() bool, len(members))
	for i, m := range members {
		stops[i] = context.AfterFunc(m.ctx, func() {
			if alive.Add(-1) == 0 {
				end(context.Cause(m.ctx))
			}
		})
	}
	return ctx, func() {
		for _, stop := range stops {
			stop()
		}
		end(nil)
	}
}

// manyContext has the values of a job's context but for its steps and its batch, which are those of
// that job alone, and the deadline of the job whose is the last.
type manyContext struct {
	context.Context //nolint:containedctx // this is one

	deadline time.Time
}

func (c *manyContext) Deadline() (time.Time, bool) { return c.deadline, !c.deadline.IsZero() }

func (c *manyContext) Value(key any) any {
	switch key.(type) {
	case steps.Key, members.Key:
		return nil
	}
	return c.Context.Value(key)
}
