// Package scheduler repeats work: a [Scheduler] enqueues a job at each tick of its
// schedules, exactly one job a tick, however many schedulers run. One of them
// leads; the others wait to follow it.
package scheduler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/election"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/lock"
	"github.com/drayhorse/drayhorse/internal/logs"
	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/schedules"
)

// Scheduler is one of any number of replicas. Make it with New, declare schedules
// with Add, then Run it once; or Declare them for others to run.
type Scheduler struct {
	cfg      Config
	named    bool // somebody has said whose schedules they are
	log      *slog.Logger
	client   *redis.Client
	engine   *jobs.Engine
	store    *schedules.Store
	election *election.Election
	metrics  *instruments

	mu       sync.Mutex
	started  bool
	declared []schedules.Declaration
	ids      map[string]bool

	leaving  sync.WaitGroup  // what former terms wait for
	checking sync.WaitGroup  // for a node that does not answer
	fail     func(err error) // ends Run

	leads atomic.Bool
	up    atomic.Pointer[error] // what the last look at Redis came to; nil: none yet
}

// New makes a scheduler. It validates the Config and does not connect. The error is
// drayhorse.ErrInvalid, or that of the Registerer.
func New(cfg Config) (*Scheduler, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	named := cfg.Source != "" || cfg.DefaultSource != ""
	cfg = cfg.withDefaults()
	client, err := redis.Open(redis.Config{URL: cfg.RedisURL, Client: cfg.Redis})
	if err != nil {
		return nil, err
	}
	log := logs.Or(cfg.Logger)
	candidate, err := election.New(client, election.Config{
		Namespace: cfg.Namespace, Name: ElectionName, Identity: cfg.Identity, Logger: log,
		Timing: lock.Timing{TTL: cfg.LeaseTTL},
	})
	if err != nil {
		return nil, err
	}
	s := &Scheduler{
		cfg: cfg, named: named, log: log, client: client, engine: jobs.New(client, cfg.Namespace),
		store: schedules.New(client, cfg.Namespace), election: candidate, ids: map[string]bool{},
	}
	if s.metrics, err = newInstruments(cfg.Registerer); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	client.Observe(s.metrics.redis)
	s.metrics.queues.Add(s.engine, log, s.led)
	return s, nil
}

// Add declares a schedule; Run writes it. The errors are drayhorse.ErrDuplicate for
// an ID that was added already, ErrInvalid for any impossible value, and ErrClosed
// after Run.
func (s *Scheduler) Add(schedule Schedule) error {
	d, err := schedule.declaration()
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.started {
		return fmt.Errorf("%w: the scheduler has run already", drayhorse.ErrClosed)
	}
	if s.ids[d.ID] {
		return fmt.Errorf("%w: schedule %s was added already", drayhorse.ErrDuplicate, d.ID)
	}
	s.ids[d.ID] = true
	s.declared = append(s.declared, d)
	return nil
}

// Run writes what was declared and works until ctx ends: it leads, or waits to.
// Then it hands over at once and returns nil. While Redis is away it waits and
// keeps trying; it returns an error only for what waiting cannot mend: a server too
// old or set to evict, a login that is refused, data of a newer storage format. A
// scheduler runs once.
func (s *Scheduler) Run(ctx context.Context) error {
	if err := s.start(); err != nil {
		return err
	}
	defer func() { s.leaving.Wait(); _ = s.client.Close() }()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s.fail = func(err error) { cancel(fatal{err}) }
	var running sync.WaitGroup
	for _, work := range []func(context.Context) error{s.declare, s.lead, s.watch, s.keep} {
		running.Go(func() {
			if err := work(ctx); err != nil {
				s.fail(err)
			}
		})
	}
	running.Wait()
	s.checking.Wait()
	var failed fatal
	if errors.As(context.Cause(ctx), &failed) {
		return failed.error
	}
	return nil
}

// Close ends the connections of a scheduler that is not going to Run.
func (s *Scheduler) Close() error { return s.client.Close() }

// fatal is what ends a scheduler.
type fatal struct{ error }

func (s *Scheduler) start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.started {
		return fmt.Errorf("%w: the scheduler has run already", drayhorse.ErrClosed)
	}
	s.started = true
	return nil
}

// ElectionName is what the schedulers of a namespace campaign for.
const ElectionName = schedules.ElectionName

// Leader is the scheduler that leads.
type Leader struct {
	Identity string    // as in its Config
	Term     int64     // the number of its leadership, one more with each
	Since    time.Time // by Redis's clock
}

// Leader says who led when Redis was asked: one that has died is named until another one
// follows. The zero Leader stands for nobody. The error is drayhorse.ErrUnavailable.
func (s *Scheduler) Leader(ctx context.Context) (Leader, error) {
	leader, err := s.election.Leader(ctx)
	return Leader(leader), err
}

// Ready reports why the scheduler cannot do its job at this moment: it does not
// run, or Redis is away. nil: it can; one that waits to lead is ready.
func (s *Scheduler) Ready() error {
	if last := s.up.Load(); last != nil {
		return *last
	}
	return errNotRunning
}

var errNotRunning = errors.New("the scheduler does not run")

// led gives all queues while this scheduler leads, and none while another does: one
// of a fleet measures them.
func (s *Scheduler) led(ctx context.Context) ([][]*jobs.Partition, error) {
	if !s.leads.Load() {
		return nil, nil
	}
	return s.engine.Queues(ctx)
}

// watchEvery is how often a scheduler looks whether Redis answers.
const watchEvery = time.Second

// watch keeps Ready and the metrics of Redis and the leader up to date.
func (s *Scheduler) watch(ctx context.Context) error {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for {
		leader, err := s.Leader(ctx)
		s.up.Store(&err)
		s.metrics.saw(leader, err)
		select {
		case <-ctx.Done():
			s.up.Store(&errNotRunning)
			return nil
		case <-ticker.C:
		}
	}
}
