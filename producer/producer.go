// Package producer puts work in: a [Producer] stores jobs in Redis for workers to
// run, and looks them up, retries and cancels them. Programs that use it link neither the
// worker nor cron.
package producer

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/flows"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
	"github.com/drayhorse/drayhorse/internal/metrics"
	redisconn "github.com/drayhorse/drayhorse/internal/redis"
)

// MaxMany is the largest number of specs of one EnqueueMany.
const MaxMany = 100_000

// Config says where jobs are put. The zero value is the Redis at
// redis://127.0.0.1:6379/0.
type Config struct {
	// RedisURL says where Redis is, in one of the forms of docs/operations.md.
	RedisURL string
	// Redis is, instead of RedisURL, an application's client. Its options are
	// cloned: the producer has connections of its own.
	Redis redis.UniversalClient
	// Namespace is the prefix of all keys. Empty: drayhorse.DefaultNamespace.
	Namespace string
	// MaxArgs is how many bytes of JSON the arguments of a job may have. 0: 1 MiB;
	// at most 16 MiB.
	MaxArgs int
	// MaxQueues is how many queues there may be, whoever made them, for an enqueue to
	// create another; beyond that it is drayhorse.ErrInvalid. 0: any number.
	MaxQueues int
	// Durable is how many replicas must confirm a job that says nothing of it; see
	// drayhorse.Durable. 0: none, at most 16.
	Durable int
	// Patience is how long an enqueue goes on trying while Redis is away, since its last
	// answer, before it gives up with drayhorse.ErrUnavailable. However long it takes, it
	// makes no second copy. 0: 5 s; at most 5 min.
	Patience time.Duration
	// Logger takes the log. nil: none.
	Logger *slog.Logger
	// Registerer takes the metrics. nil: none. Several producers may share one.
	Registerer prometheus.Registerer
	// Metrics takes what is counted, instead of a Registerer. nil: nothing is.
	Metrics Metrics
	// Tracer gives jobs the trace that they carry. nil: they carry none.
	Tracer drayhorse.Tracer
}

const (
	maxMaxArgs  = 16 << 20
	maxPatience = 5 * time.Minute // an answer is kept for longer
)

// Validate reports the first impossible value, as drayhorse.ErrInvalid.
func (c *Config) Validate() error {
	if c.MaxArgs < 0 || c.MaxArgs > maxMaxArgs {
		return fmt.Errorf("%w: MaxArgs %d; want 1 to %d, or 0 for the default", drayhorse.ErrInvalid, c.MaxArgs, maxMaxArgs)
	}
	if c.MaxQueues < 0 {
		return fmt.Errorf("%w: MaxQueues %d; want a positive number, or 0 for any number", drayhorse.ErrInvalid, c.MaxQueues)
	}
	if c.Durable < 0 || c.Durable > drayhorse.MaxDurable {
		return fmt.Errorf("%w: Durable %d; want 0 to %d replicas", drayhorse.ErrInvalid, c.Durable, drayhorse.MaxDurable)
	}
	if c.Patience < 0 || c.Patience > maxPatience {
		return fmt.Errorf("%w: Patience %v; want up to %v, or 0 for the default", drayhorse.ErrInvalid, c.Patience, maxPatience)
	}
	if c.Namespace != "" {
		return drayhorse.ValidateNamespace(c.Namespace)
	}
	return nil
}

// Producer stores jobs. It is safe for concurrent use, and faster by it: calls that
// come while others are on the wire share a round trip.
type Producer struct {
	maxArgs int
	most    int // queues; 0: any number
	durable int
	patient time.Duration
	log     *slog.Logger
	metrics Metrics
	tracer  drayhorse.Tracer
	client  *redisconn.Client
	engine  *jobs.Engine
	flows   *flows.Store

	keeper *keeper
	inbox  *jobs.Inbox

	closing chan struct{} // closed by Close

	mu     sync.RWMutex
	routes map[string]*route // by queue
	closed bool
	calls  sync.WaitGroup // that have entered and not left
}

// New makes a producer. It validates the Config and does not connect. The error is
// drayhorse.ErrInvalid, or that of the Registerer.
func New(cfg Config) (*Producer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	client, err := redisconn.Open(redisconn.Config{URL: cfg.RedisURL, Client: cfg.Redis})
	if err != nil {
		return nil, err
	}
	p := &Producer{
		maxArgs: cfg.MaxArgs, most: cfg.MaxQueues, durable: cfg.Durable, patient: cfg.Patience, log: logs.Or(cfg.Logger), metrics: cfg.Metrics, tracer: cfg.Tracer, client: client,
		engine: jobs.New(client, cmp.Or(cfg.Namespace, drayhorse.DefaultNamespace)), routes: map[string]*route{},
	}
	if p.maxArgs == 0 {
		p.maxArgs = drayhorse.DefaultMaxArgs
	}
	p.flows = flows.New(p.engine, cmp.Or(cfg.Namespace, drayhorse.DefaultNamespace))
	p.keeper = newKeeper(p.engine, p.changed, p.log)
	p.inbox, p.closing = jobs.NewInbox(p.engine), make(chan struct{})
	if cfg.Metrics == nil && cfg.Registerer != nil {
		counted, err := metrics.NewProducer(cfg.Registerer)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("register metrics: %w", err), client.Close())
		}
		p.metrics = counted
	}
	if o, ok := p.metrics.(redisconn.Observer); ok {
		client.Observe(o)
	}
	return p, nil
}

// Close ends the waits for jobs, waits for the calls that are on their way, for as long as
// Patience at most while Redis is away, and ends the connections. Later calls get drayhorse.ErrClosed.
func (p *Producer) Close() error {
	p.mu.Lock()
	first := !p.closed
	p.closed = true
	if first {
		close(p.closing)
	}
	p.mu.Unlock()
	p.inbox.Close()
	p.calls.Wait()
	if first {
		for _, r := range p.routes { // nobody changes them any more
			r.close()
		}
		p.keeper.close()
	}
	return p.client.Close()
}

// changed takes in that queues are not what they were: their routes are made anew.
func (p *Producer) changed(changes []jobs.Change) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	for _, c := range changes {
		before := p.routes[c.Queue]
		switch {
		case before == nil || len(c.Partitions) == len(before.partitions):
			continue
		case c.Partitions == nil:
			delete(p.routes, c.Queue)
		default:
			p.routes[c.Queue] = newRoute(c.Partitions, p.patient)
		}
		p.calls.Go(before.close) // what is on its way there goes on
	}
}

// Get gives all that is known of a job. Without the Queue option it asks all queues,
// with it that one alone; no other option is allowed. The error is
// drayhorse.ErrNotFound, ErrInvalid or ErrUnavailable.
func (p *Producer) Get(ctx context.Context, id string, options ...drayhorse.Option) (*drayhorse.Info, error) {
	var info *drayhorse.Info
	err := p.find(ctx, id, options, func(part *jobs.Partition, stored string) (err error) {
		info, err = part.Get(ctx, stored)
		return err
	})
	return info, err
}

// Cancel ends a job. One that waits never runs. Of one that runs, the wish is
// recorded and its context ends soon after: if its handler returns nil nevertheless,
// the job is completed; if it returns an error, or its worker dies, it is cancelled.
// The options are those of Get. The error is drayhorse.ErrNotFound if no live job has
// the ID, and a *drayhorse.EndedError, which is ErrNotFound too, if it has ended.
func (p *Producer) Cancel(ctx context.Context, id string, options ...drayhorse.Option) error {
	return p.find(ctx, id, options, func(part *jobs.Partition, stored string) error {
		return part.Cancel(ctx, stored)
	})
}

// Retry makes a job available now, one that waits for its time as well as one that has
// ended and is kept. The options and errors are those of Get, and drayhorse.ErrRunning.
func (p *Producer) Retry(ctx context.Context, id string, options ...drayhorse.Option) error {
	return p.find(ctx, id, options, func(part *jobs.Partition, stored string) error {
		return part.Retry(ctx, stored)
	})
}

// Signal sends a flow the value of a name for which one of its steps waits, or will; see flow.Flow.Signal.
// Where there is none of that ID, or none of its steps is that signal, it
// sends a job the value of a name for which a step of its handler waits, or will:
// step.WaitSignal gives it. The payload is encoded as JSON, at most 64 KiB. A job that sleeps for
// the signal runs at once. The first signal of a name stays; the same one again, by flow.Key, is
// no error and changes nothing. A job gets at most 64 signals.
//
// The errors are drayhorse.ErrSignalled if a signal of that name came under another key;
// ErrSignalLate if the job has waited in vain; ErrNotFound, which is also ErrEnded, with an
// EndedError, if the job is known to have ended; ErrInvalid; and ErrUnavailable, after which it
// may have come or not: send it again under the same key.
func (p *Producer) Signal(ctx context.Context, id, name string, payload any, options ...flow.SignalOption) error {
	signal, err := jobs.NewSignal(name, payload, options)
	if err != nil {
		return err
	}
	if signal.Queue == "" {
		if found, err := p.signalFlow(ctx, id, signal); found || err != nil {
			return err
		}
	}
	var where []drayhorse.Option
	if signal.Queue != "" {
		where = append(where, drayhorse.Queue(signal.Queue))
	}
	return p.find(ctx, id, where, func(part *jobs.Partition, stored string) error {
		_, err := part.Signal(ctx, stored, signal)
		return err
	})
}

// find calls act for each queue where the job may be until one knows it.
func (p *Producer) find(ctx context.Context, id string, options []drayhorse.Option, act func(part *jobs.Partition, stored string) error) error {
	if err := drayhorse.ValidateID(id); err != nil {
		return err
	}
	settings, err := drayhorse.Resolve(options...)
	if err != nil {
		return err
	}
	queue := ""
	switch settings.Given {
	case 0: // all queues
	case drayhorse.FieldQueue:
		queue = settings.Queue
	default:
		return fmt.Errorf("%w: only the Queue option says where a job is", drayhorse.ErrInvalid)
	}
	if err := p.enter(); err != nil {
		return err
	}
	defer p.leave()
	return p.engine.OnJob(ctx, queue, id, act)
}

// EnqueueRaw stores one job whose arguments are JSON already.
func (p *Producer) EnqueueRaw(ctx context.Context, kind string, args json.RawMessage, options ...drayhorse.Option) (*drayhorse.Info, error) {
	return p.Enqueue(ctx, drayhorse.Raw(kind, args), options...)
}
