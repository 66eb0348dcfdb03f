// Package producer puts work in: a [Producer] stores jobs in Redis for workers to
// run, and looks them up and cancels them. Programs that use it link neither the
// worker nor metrics nor cron.
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

	"github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
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
	// Durable is how many replicas must confirm a job that says nothing of it; see
	// drayhorse.Durable. 0: none, at most 16.
	Durable int
	// Patience is how long an enqueue goes on trying while Redis is away, before it
	// gives up with drayhorse.ErrUnavailable. However long it takes, it makes no second
	// copy. 0: 5 s; at most 5 min.
	Patience time.Duration
	// Logger takes the log. nil: none.
	Logger *slog.Logger
	// Metrics takes what is counted. nil: nothing is.
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
	durable int
	patient time.Duration
	log     *slog.Logger
	metrics Metrics
	tracer  drayhorse.Tracer
	client  *redisconn.Client
	engine  *jobs.Engine

	mu      sync.RWMutex
	lines   map[string]*line // by queue
	closed  bool
	checked bool // the server was found fit
}

// New makes a producer. It validates the Config and does not connect. The error is
// drayhorse.ErrInvalid.
func New(cfg Config) (*Producer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	client, err := redisconn.Open(redisconn.Config{URL: cfg.RedisURL, Client: cfg.Redis})
	if err != nil {
		return nil, err
	}
	p := &Producer{
		maxArgs: cfg.MaxArgs, durable: cfg.Durable, patient: cfg.Patience, log: logs.Or(cfg.Logger), metrics: cfg.Metrics, tracer: cfg.Tracer, client: client,
		engine: jobs.New(client, cmp.Or(cfg.Namespace, drayhorse.DefaultNamespace)), lines: map[string]*line{},
	}
	if p.maxArgs == 0 {
		p.maxArgs = drayhorse.DefaultMaxArgs
	}
	if o, ok := cfg.Metrics.(redisconn.Observer); ok {
		client.Observe(o)
	}
	return p, nil
}

// Close waits for the calls that are on the wire and ends the connections. Later
// calls get drayhorse.ErrClosed.
func (p *Producer) Close() error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil
	}
	p.closed = true
	lines := p.lines
	p.mu.Unlock()
	for _, l := range lines {
		l.close()
	}
	return p.client.Close()
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
// the ID, also if it has ended.
func (p *Producer) Cancel(ctx context.Context, id string, options ...drayhorse.Option) error {
	return p.find(ctx, id, options, func(part *jobs.Partition, stored string) error {
		return part.Cancel(ctx, stored)
	})
}

// find calls act for each queue where the job may be until one knows it.
func (p *Producer) find(ctx context.Context, id string, options []drayhorse.Option, act func(part *jobs.Partition, stored string) error) error {
	if err := drayhorse.ValidateID(id); err != nil {
		return err
	}
	if p.isClosed() {
		return drayhorse.ErrClosed
	}
	queues, err := p.where(ctx, options)
	if err != nil {
		return err
	}
	stored := jobs.PackID(id)
	for _, partitions := range queues {
		err := act(jobs.PartitionOf(partitions, stored), stored)
		if !errors.Is(err, drayhorse.ErrNotFound) {
			return err
		}
	}
	return fmt.Errorf("%w: job %s", drayhorse.ErrNotFound, id)
}

// where gives the queues that options allow.
func (p *Producer) where(ctx context.Context, options []drayhorse.Option) ([][]*jobs.Partition, error) {
	settings, err := drayhorse.Resolve(options...)
	if err != nil {
		return nil, err
	}
	switch settings.Given {
	case 0:
		return p.engine.Queues(ctx)
	case drayhorse.FieldQueue:
		partitions, err := p.engine.Lookup(ctx, settings.Queue)
		return [][]*jobs.Partition{partitions}, err
	}
	return nil, fmt.Errorf("%w: only the Queue option says where a job is", drayhorse.ErrInvalid)
}

func (p *Producer) isClosed() bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.closed
}

// EnqueueRaw stores one job whose arguments are JSON already.
func (p *Producer) EnqueueRaw(ctx context.Context, kind string, args json.RawMessage, options ...drayhorse.Option) (*drayhorse.Info, error) {
	return p.Enqueue(ctx, drayhorse.Raw(kind, args), options...)
}
