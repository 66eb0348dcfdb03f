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
	"github.com/drayhorse/drayhorse/internal/events"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/limits"
	"github.com/drayhorse/drayhorse/internal/logs"
	"github.com/drayhorse/drayhorse/internal/redis"
)

const (
	// stopGrace is how long handlers have to return after their contexts ended
	// with ErrStopping.
	stopGrace = time.Second
	// flushTimeout is how long a stopping worker tries to say what became of its
	// last jobs while Redis does not answer.
	flushTimeout = 5 * time.Second
	// regroupEvery is how often the worker looks which node each of its sources is
	// on, and tries to make queues that it could not make before.
	regroupEvery = time.Second
)

// session is one Run of a worker: it builds the parts and the loops, runs them and
// stops them.
type session struct {
	parts
	cfg       Config
	client    *redis.Client
	kinds     kinds
	quiet     <-chan struct{} // closed when nothing more is to be claimed
	runner    runner
	deadlines *deadlines
	fatal     chan error    // what waiting cannot mend
	missing   []string      // queues that could not be made yet
	joins     joins         // of limits of all queues
	changed   chan struct{} // queues are not what they were

	background context.Context //nolint:containedctx // ends when the worker has stopped

	nodes    atomic.Pointer[[]*node]
	fetching sync.WaitGroup // the fetchers
	watching sync.WaitGroup // all that goes on beside them
}

// newSession makes the parts. Nothing runs yet.
func newSession(base context.Context, w *Worker) *session {
	s := &session{
		cfg: w.cfg, client: w.client, kinds: w.kinds, quiet: w.quiet,
		deadlines: newDeadlines(), fatal: make(chan error, 1), changed: make(chan struct{}, 1),
	}
	s.nodes.Store(new([]*node))
	namespace := cmp.Or(w.cfg.Namespace, drayhorse.DefaultNamespace)
	s.parts = parts{
		id: w.id, base: base, log: w.log, engine: w.engine, metrics: w.metrics,
		capacity: newCapacity(w.cfg.Concurrency, s.onFree),
		supply:   &supply{strict: w.cfg.StrictOrder, serves: w.kinds.serves, onClaimable: s.onClaimable, onQuiet: s.onQuiet},
		reach:    newReach(base, w.log, w.metrics.redis),
		phase:    newPhase(),
		limits:   limits.New(w.engine, namespace),
		reports:  newFlusher(w.engine),
		discards: newDiscards(base, w.log, w.cfg.OnDiscard),
		relay:    newRelay(w.flows, w.log),
		teller:   newTeller(events.New(w.client, namespace), w.id, w.log, w.metrics.untold),
		fail:     s.fatally,
		onLost:   s.sayAlive,
	}
	together := bellsTogether
	if w.client.IsCluster() {
		together = 1
	}
	s.bells = &bells{
		engine: w.engine, worker: w.id, capacity: s.capacity, together: together, single: !w.client.IsCluster(),
		closing: s.phase.closing, covered: s.isCovered,
	}
	s.runner = runner{base: base, log: w.log, metrics: w.metrics, kinds: w.kinds, deadlines: s.deadlines, capacity: s.capacity, unserved: newUnserved(w.log, w.kinds)}
	s.runner.limited, s.runner.teller = s.withdrawKind, s.teller
	s.executors = newExecutors(w.cfg.Concurrency, s.runner.run)
	return s
}

// open connects, however long that takes, and looks up the queues. It gives
// neither a session nor an error if ctx ends first.
func (w *Worker) open(ctx context.Context) (*session, error) {
	s := newSession(context.WithoutCancel(ctx), w)
	w.current.Store(s)
	var backoff redis.Backoff
	for {
		err := s.connect(ctx)
		switch {
		case err == nil:
			return s, nil
		case ctx.Err() == nil && !errors.Is(err, drayhorse.ErrUnavailable):
			return nil, err
		}
		s.reach.markUnreachable("", err)
		if !backoff.Wait(ctx) {
			return nil, nil // told to stop before there was anything to stop
		}
	}
}

// connect checks the server and finds the queues. Those that are not there yet are made
// if that is possible; otherwise the worker starts with the others, since a Redis that
// is full must be drainable.
func (s *session) connect(ctx context.Context) error {
	if err := s.engine.Check(ctx); err != nil {
		return err
	}
	names := slices.Sorted(maps.Keys(s.cfg.Queues))
	found, err := s.engine.Meet(ctx, names)
	switch {
	case err == nil:
		s.missing, err = s.addQueues(ctx, names)
	case errors.Is(err, drayhorse.ErrUnavailable): // it has asked for all of them
		s.missing = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return found[name] != nil })
		_, _ = s.addQueues(ctx, slices.Sorted(maps.Keys(found))) // they are known
	default:
		return err
	}
	if len(s.missing) == len(names) {
		s.missing = nil
		return err
	}
	if err := s.declareLimits(ctx); err != nil {
		return err
	}
	// A node that does not answer has its part of the queues wait, and no other.
	if err := s.engine.Check(ctx, partitions(s.supply.all())); err != nil && !errors.Is(err, drayhorse.ErrUnavailable) {
		return err
	}
	return nil
}

// addQueues makes sources of queues, and gives those that could not be made, with the
// last error.
func (s *session) addQueues(ctx context.Context, names []string) (missing []string, failed error) {
	var added []*source
	for _, name := range names {
		partitions, err := s.engine.Queue(ctx, name)
		if err != nil {
			missing, failed = append(missing, name), err
			continue
		}
		for _, p := range partitions {
			added = append(added, newSource(s.supply, p, s.cfg.Queues[name]))
		}
	}
	slices.SortFunc(added, func(a, b *source) int { return cmp.Compare(a.part.String(), b.part.String()) })
	s.joinLimits(ctx, partitions(added)...)
	s.supply.append(added...)
	return missing, failed
}

// run works until ctx ends, then stops in order.
func (s *session) run(ctx context.Context) error {
	s.reach.markReachable("")
	background, stop := context.WithCancel(s.base)
	s.background = background
	s.regroup(background)
	s.listen(background, s.supply.all())
	s.watching.Go(func() { s.maintain(background) })
	s.watching.Go(func() { s.keepQueues(background) })
	s.watching.Go(func() { s.sweepsOthers(background) })
	s.watching.Go(func() { s.joinsLimits(background) })
	guard := &guard{parts: &s.parts, deadlines: s.deadlines, leases: s.leases}
	s.watching.Go(func() { guard.run(background) })
	s.watching.Go(func() { (&lag{parts: &s.parts}).run(background) })
	s.watching.Go(func() { s.reports.run(background) })
	s.watching.Go(func() { s.relay.run(background) })
	s.watching.Go(func() { s.teller.run(background) })
	stopped := make(chan struct{})
	var discarded sync.WaitGroup
	if s.discards != nil {
		discarded.Go(func() { s.discards.run(stopped) })
	}
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
	s.flush()
	stop()
	s.fetching.Wait()
	close(stopped)
	discarded.Wait()
	s.relay.end(s.base)
	s.noteLastGroups()
	s.teller.end(s.base)
	announced.Wait()     // takes the worker out of the registry
	_ = s.client.Close() // ends the listeners' blocking waits
	s.watching.Wait()
	s.log.InfoContext(s.base, "worker stopped")
	return err
}

// stop ends the claiming, waits for the handlers and ends those that take too long.
func (s *session) stop() {
	if !s.phase.isClosing() {
		s.close()
	}
	settled := s.capacity.awaitIdle(s.cfg.ShutdownTimeout)
	if !settled {
		s.log.WarnContext(s.base, "shutdown timeout: ending the contexts of running jobs", slog.Int64(logs.Count, s.capacity.held.Load()))
		for _, e := range s.executions() {
			e.end(drayhorse.ErrStopping)
		}
		settled = s.capacity.awaitIdle(stopGrace)
	}
	s.executors.close()
	if settled {
		s.executors.wait()
	} else {
		s.log.ErrorContext(s.base, "handing back jobs whose handlers do not return", slog.Int64(logs.Count, s.capacity.held.Load()))
		for _, e := range s.executions() {
			e.release()
		}
	}
	s.phase.answered.Store(time.Now().UnixNano())
	close(s.phase.drained)
}

// close ends the claiming. What was claimed ahead goes back.
func (s *session) close() {
	close(s.phase.closing)
	s.executors.withdraw(func(*execution) bool { return true })
	for _, n := range *s.nodes.Load() {
		if waiter := n.waiter(); waiter != nil {
			waiter.interruptWait()
		}
	}
}

// flush waits for the fetchers, which say what became of the last jobs, while Redis
// answers.
func (s *session) flush() {
	fetched := make(chan struct{})
	go func() { s.fetching.Wait(); close(fetched) }()
	for {
		left := flushTimeout - s.phase.sinceAnswer(time.Now())
		if left <= 0 {
			return
		}
		select {
		case <-fetched:
			return
		case <-time.After(left):
		}
	}
}

// executions gives all jobs that are held.
func (s *session) executions() []*execution {
	var all []*execution
	for _, l := range s.leases() {
		all = append(all, l.executions()...)
	}
	return all
}

// sayAlive says that the worker lives though a lease was lost, so that no job that it
// held is suspected of its death. Where that cannot be said within a minute, it is.
func (s *session) sayAlive(l *jobs.Lease, ids []string) {
	s.watching.Go(func() {
		ctx, cancel := context.WithTimeout(s.background, time.Minute)
		defer cancel()
		var backoff redis.Backoff
		for {
			_, err := s.engine.Alive(ctx, l, ids...)
			if err == nil {
				return
			}
			s.log.DebugContext(ctx, "cannot say that the worker lives", slog.String(logs.Lease, l.Name), slog.String(logs.Error, err.Error()))
			if !errors.Is(err, drayhorse.ErrUnavailable) || !backoff.Wait(ctx) {
				return
			}
		}
	})
}

// leases gives those of all fetchers, lost ones included.
func (s *session) leases() []*lease {
	var all []*lease
	for _, n := range *s.nodes.Load() {
		for _, f := range n.fetchers {
			all = append(all, f.leases()...)
		}
	}
	return all
}

// fatally ends Run with an error that waiting cannot mend.
func (s *session) fatally(err error) {
	select {
	case s.fatal <- fmt.Errorf("worker: %w", err):
	default:
	}
}
