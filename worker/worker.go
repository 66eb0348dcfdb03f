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

	"github.com/google/uuid"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/flows"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
	"github.com/drayhorse/drayhorse/internal/metrics"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// Worker runs jobs. Make it with New, register handlers, then Run it once.
type Worker struct {
	cfg    Config
	id     string
	log    *slog.Logger
	client *redis.Client
	engine *jobs.Engine
	flows  *flows.Store

	mu         sync.Mutex
	started    bool
	kinds      kinds
	middleware []Middleware
	quiet      chan struct{} // closed by Quiet
	quietOnce  sync.Once
	metrics    *instruments
	current    atomic.Pointer[session]
}

// New makes a worker. It validates the Config and does not connect. The error is
// drayhorse.ErrInvalid, or that of the Registerer.
func New(cfg Config) (*Worker, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	client, err := redis.Open(redis.Config{URL: cfg.RedisURL, Client: cfg.Redis})
	if err != nil {
		return nil, err
	}
	w := &Worker{
		cfg: cfg, id: uuid.NewString(), client: client, engine: jobs.New(client, cfg.Namespace),
		kinds: kinds{}, quiet: make(chan struct{}),
	}
	namespace := cmp.Or(cfg.Namespace, drayhorse.DefaultNamespace)
	w.flows = flows.New(w.engine, namespace)
	w.log = logs.Or(cfg.Logger).With(logs.WorkerID, w.id)
	if w.metrics, err = newInstruments(cfg.Registerer); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	client.Observe(w.metrics.redis)
	w.metrics.queues.Add(w.engine, w.log, metrics.Existing(w.engine, slices.Sorted(maps.Keys(cfg.Queues))))
	w.metrics.flows.Add(w.flows, namespace, w.log)
	return w, nil
}

// Use wraps the handlers of all kinds in middleware. The first is the outermost. It
// panics on a nil one.
func (w *Worker) Use(middleware ...Middleware) {
	if i := slices.IndexFunc(middleware, func(m Middleware) bool { return m == nil }); i >= 0 {
		panic(fmt.Sprintf("worker: middleware %d is nil; want a function", i))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.middleware = append(w.middleware, middleware...)
}

// ID names this worker in logs and leases. It is new for every Worker.
func (w *Worker) ID() string { return w.id }

// Quiet makes the worker claim no more jobs. Those that run go on, and Run goes on
// until its context ends.
func (w *Worker) Quiet() { w.quietOnce.Do(func() { close(w.quiet) }) }

// Ready reports why the worker cannot do its job at this moment: it does not run, it
// claims nothing more, or Redis is away. nil: it can.
func (w *Worker) Ready() error {
	s := w.current.Load()
	switch {
	case s == nil:
		return errors.New("the worker does not run")
	case s.reach.isAway():
		return fmt.Errorf("%w: the worker waits for it", drayhorse.ErrUnavailable)
	case s.phase.isClosing():
		return errors.New("the worker claims no more jobs")
	}
	return nil
}

// Run works until ctx ends. Then it claims nothing more, waits ShutdownTimeout for
// the running jobs, ends their contexts, hands back what is left without consuming
// an attempt, and returns nil. While Redis is away it waits and keeps trying; it
// returns an error only for what waiting cannot mend: a worker without handlers (which
// is drayhorse.ErrInvalid), a server too old or set to evict, a login that is refused,
// queues that are all of a newer storage format. A worker runs once.
func (w *Worker) Run(ctx context.Context) error {
	if err := w.start(); err != nil {
		return err
	}
	defer func() { _ = w.client.Close() }()
	w.metrics.concurrency.Add(float64(w.cfg.Concurrency)) // of all that run and share a registry
	defer w.metrics.concurrency.Sub(float64(w.cfg.Concurrency))
	s, err := w.open(ctx)
	if err != nil || s == nil {
		return err
	}
	return s.run(ctx)
}

// start closes the registration of handlers and wraps them.
func (w *Worker) start() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.started {
		return fmt.Errorf("%w: the worker has run already", drayhorse.ErrClosed)
	}
	if len(w.kinds) == 0 {
		return fmt.Errorf("%w: the worker has no handlers, so all jobs would wait; want at least one, by Handle, before Run", drayhorse.ErrInvalid)
	}
	w.started = true
	return w.kinds.wrap(w.middleware)
}
