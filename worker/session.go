package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
	"github.com/drayhorse/drayhorse/internal/redis"
)

const (
	// fetchers is how many fetch loops a worker has. The first ones claim, as many as
	// claimers says, each for the slots that became free while the others wait for
	// Redis. When there is nothing to claim, one that is idle attends.
	fetchers = 4
	// stopGrace is how long handlers have to return after their contexts ended
	// with ErrStopping.
	stopGrace = time.Second
	// flushTimeout is how long a stopping worker tries to say what became of its
	// last jobs while Redis is away.
	flushTimeout = 5 * time.Second
)

// session is one Run of a worker: all that lives from its begin to its end.
type session struct {
	*Worker
	base      context.Context // carries the values of Run's context, never ends
	lines     []*line
	hot       hotLines
	fetchers  []*fetcher
	listeners []*listener
	slots     slots
	work      chan struct{} // wakes one idle fetcher: there is something to claim
	closing   chan struct{} // closed when nothing more is to be claimed
	drained   chan struct{} // closed when no job is left to run
	freed     chan struct{} // says that no job runs
	suspect   atomic.Bool   // whether this worker holds a suspect, or asks for one
	away      atomic.Bool   // whether Redis is, as far as the log knows
	trips     trips
	far       atomic.Bool  // whether Redis is
	claimed   atomic.Int64 // Unix ns of the last claim
	attendant atomic.Pointer[fetcher]
	nudged    atomic.Bool  // the attendant has been, and has not come back yet
	deafUntil atomic.Int64 // Unix ns: the bells cannot be heard before
	fatal     chan error   // what waiting cannot mend

	active    atomic.Int64 // jobs that run or are about to
	executors *executors
	deadlines *deadlines
	loops     sync.WaitGroup
}

// open connects, however long that takes, and looks up the queues. It gives
// neither a session nor an error if ctx ends first.
func (w *Worker) open(ctx context.Context) (*session, error) {
	s := &session{
		Worker: w, base: context.WithoutCancel(ctx), executors: newExecutors(w.cfg.Concurrency, (*execution).run), deadlines: newDeadlines(),
		work: make(chan struct{}, 1), closing: make(chan struct{}), drained: make(chan struct{}),
		freed: make(chan struct{}, 1), fatal: make(chan error, 1),
	}
	s.away.Store(true) // until it answers
	w.current.Store(s)
	var backoff redis.Backoff
	for told := false; ; told = true {
		err := s.connect(ctx)
		switch {
		case err == nil:
			s.away.Store(told) // only who was told that it is away hears that it is back
			s.back()
			return s, nil
		case ctx.Err() == nil && !errors.Is(err, drayhorse.ErrUnavailable):
			return nil, err
		}
		if !told {
			s.log.WarnContext(ctx, "waiting for redis", slog.String(logs.Error, err.Error()))
		}
		if !backoff.Wait(ctx) {
			return nil, nil // told to stop before there was anything to stop
		}
	}
}

func (s *session) connect(ctx context.Context) error {
	if err := s.client.Check(ctx); err != nil {
		return err
	}
	if err := s.engine.Meet(ctx, slices.Collect(maps.Keys(s.cfg.Queues))); err != nil {
		return err
	}
	s.lines, s.hot.tiers = nil, nil
	for name, weight := range s.cfg.Queues {
		partitions, err := s.engine.Queue(ctx, name)
		if err != nil {
			return err
		}
		for _, p := range partitions {
			s.lines = append(s.lines, newLine(s, p, weight))
		}
	}
	slices.SortFunc(s.lines, func(a, b *line) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.part.String(), b.part.String()))
	})
	for _, l := range s.lines {
		l.tier = s.hot.tier(l.weight)
	}
	s.listeners = newListeners(s)
	return nil
}

// run works until ctx ends, then stops in order.
func (s *session) run(ctx context.Context) error {
	s.slots.give(s.cfg.Concurrency)
	s.claimed.Store(time.Now().UnixNano())
	for i := range fetchers {
		s.fetchers = append(s.fetchers, newFetcher(s, i))
	}
	background, stop := context.WithCancel(s.base)
	for _, f := range s.fetchers {
		s.loops.Go(func() { f.run(background) })
	}
	var watchers sync.WaitGroup
	for _, l := range s.listeners {
		watchers.Go(func() { l.listen(background) })
	}
	watchers.Go(func() { s.beats(background) })
	watchers.Go(func() { s.guard(background) })
	watchers.Go(func() { s.observe(background) })
	var announced sync.WaitGroup
	announced.Go(func() { s.announces(background, ctx) })
	s.log.InfoContext(ctx, "worker started", slog.Int("concurrency", s.cfg.Concurrency), slog.Int("queues", len(s.cfg.Queues)))

	var err error
	select {
	case <-ctx.Done():
	case err = <-s.fatal:
	case <-s.quiet:
		s.log.InfoContext(ctx, "worker is quiet")
		s.close()
		select {
		case <-ctx.Done():
		case err = <-s.fatal:
		}
	}
	s.stop()
	flush := time.AfterFunc(flushTimeout, stop)
	s.loops.Wait() // the fetchers say what became of the last jobs, and leave
	flush.Stop()
	stop()
	announced.Wait()     // takes the worker out of the registry
	_ = s.client.Close() // ends the listeners' blocking waits
	watchers.Wait()
	s.log.InfoContext(s.base, "worker stopped")
	return err
}

// stop ends the claiming, waits for the handlers and ends those that take too
// long.
func (s *session) stop() {
	if !s.isClosing() {
		s.close()
	}
	settled := s.settled(s.cfg.ShutdownTimeout)
	if !settled {
		s.log.WarnContext(s.base, "shutdown timeout: ending the contexts of running jobs", slog.Int64(logs.Count, s.active.Load()))
		for _, e := range s.executions() {
			e.end(drayhorse.ErrStopping)
		}
		settled = s.settled(stopGrace)
	}
	s.executors.close()
	if settled {
		s.executors.wait()
	} else {
		s.log.ErrorContext(s.base, "handing back jobs whose handlers do not return", slog.Int64(logs.Count, s.active.Load()))
		for _, e := range s.executions() {
			e.finish(jobs.Finish{Outcome: jobs.Release}, nil)
		}
	}
	close(s.drained)
}

// close ends the claiming.
func (s *session) close() {
	close(s.closing)
	s.nudge()
}

// executions gives all jobs that run or are about to.
func (s *session) executions() []*execution {
	var all []*execution
	for _, h := range s.holdings() {
		all = append(all, h.executions()...)
	}
	return all
}

// settled waits until no job is held, for d at most.
func (s *session) settled(d time.Duration) bool {
	deadline := time.NewTimer(max(d, 0))
	defer deadline.Stop()
	for !s.idle() {
		select {
		case <-deadline.C:
			return s.idle()
		case <-s.freed:
		}
	}
	return true
}

// ended notes that a job runs no more, and frees its slot.
func (s *session) ended() {
	s.free(1)
	if s.active.Add(-1) == 0 {
		select {
		case s.freed <- struct{}{}:
		default:
		}
	}
}

// free gives slots back. Those who wait for one are told of the first. Below 0 it
// takes them: a turn turned out to have claimed, whose slots had been given back.
func (s *session) free(n int) {
	if s.slots.give(n) == n && n > 0 {
		s.calmed(s.listeners...)
	}
}

func (s *session) idle() bool { return s.active.Load() == 0 }

func (s *session) isDrained() bool {
	select {
	case <-s.drained:
		return true
	default:
		return false
	}
}

func (s *session) isClosing() bool {
	select {
	case <-s.closing:
		return true
	default:
		return false
	}
}

// holdings gives the leases of all fetchers, lost ones included.
func (s *session) holdings() []*holding {
	var all []*holding
	for _, f := range s.fetchers {
		all = append(all, f.all()...)
	}
	return all
}

// measure takes in how long a round trip took that began at begun.
func (s *session) measure(begun time.Time) {
	now := time.Now()
	s.trips.add(now, now.Sub(begun))
	far := s.trips.far()
	if s.far.Swap(far) != far { // who claims is another question now
		for _, f := range s.fetchers {
			f.rouse()
		}
	}
}

// poke wakes one idle fetcher.
func (s *session) poke() {
	select {
	case s.work <- struct{}{}:
	default:
	}
}

// gone says once that Redis is away; back says once that it is there again.
func (s *session) gone(err error) {
	if s.away.CompareAndSwap(false, true) {
		s.log.WarnContext(s.base, "redis is away; waiting for it", slog.String(logs.Error, err.Error()))
	}
	s.metrics.redis.SetUp(false)
}

func (s *session) back() {
	if s.away.CompareAndSwap(true, false) {
		s.log.InfoContext(s.base, "redis is back")
	}
	s.metrics.redis.SetUp(true)
}

// fail ends Run with an error that waiting cannot mend.
func (s *session) fail(err error) {
	select {
	case s.fatal <- fmt.Errorf("worker: %w", err):
	default:
	}
}
