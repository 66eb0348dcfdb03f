package worker

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
)

// Defaults of the Config.
const (
	DefaultShutdownTimeout = 25 * time.Second
	// DefaultConcurrencyPerCPU times the number of CPUs is the default
	// Concurrency: handlers mostly wait for something else.
	DefaultConcurrencyPerCPU = 10

	maxConcurrency = 100_000
	maxQueues      = 10_000
	maxWeight      = 1_000_000
)

// Config says what a worker works on and how. The zero value works on the queue
// "default" of the Redis at redis://127.0.0.1:6379/0.
type Config struct {
	// RedisURL says where Redis is, in one of the forms of docs/operations.md.
	RedisURL string
	// Redis is, instead of RedisURL, an application's client. Its options are
	// cloned: the worker has connections of its own.
	Redis redis.UniversalClient
	// Namespace is the prefix of all keys. Empty: drayhorse.DefaultNamespace.
	Namespace string
	// Queues are the queues to work on, by name, with their weights: a queue of
	// weight 6 gets twice the claims of one of weight 3 while both have jobs.
	// Empty: "default" alone.
	Queues map[string]int
	// StrictOrder drains queues of a larger weight before others get a turn.
	StrictOrder bool
	// Concurrency is how many jobs run at once. 0: ten for each CPU.
	Concurrency int
	// ShutdownTimeout is how long Run waits for running jobs when it ends, before
	// it ends their contexts and hands them back. 0: 25 s; negative: not at all.
	ShutdownTimeout time.Duration
	// Retry says how long a failed job waits, for kinds without a policy of their
	// own. nil: Exponential(time.Second, 6*time.Hour).
	Retry RetryPolicy
	// OnDiscard is called for each job that this worker has discarded, with all that is
	// known of it: out of attempts, given up by its handler, not readable, not started in
	// time, or because workers died with it. Of a queue that no worker serves, the worker
	// that removes what has expired there is the one. It runs beside the jobs, up to 8 calls
	// at once, each with a context that ends after DiscardTimeout; a panic is logged. It holds
	// up nothing: while 1000 jobs wait for their calls, more are left out, and logged. Nor
	// does a call come for what a worker discards as it dies: what must not be missed is read
	// from the discarded jobs, which are kept. The job may have been retried since. nil: none.
	OnDiscard func(ctx context.Context, info *drayhorse.Info)
	// Limits are declared when the worker starts: what limits the jobs of a queue, for all
	// workers together. One that an operator has set stays as it is, and one that another
	// worker has declared is replaced. A limit stays when no worker declares it any more,
	// until it is removed.
	Limits []drayhorse.Limit
	// Logger takes the log. nil: none.
	Logger *slog.Logger
	// Registerer takes the metrics. nil: none.
	Registerer prometheus.Registerer
}

// Validate reports the first impossible value, as drayhorse.ErrInvalid.
func (c *Config) Validate() error {
	if len(c.Queues) > maxQueues {
		return fmt.Errorf("%w: %d queues; want at most %d", drayhorse.ErrInvalid, len(c.Queues), maxQueues)
	}
	for name, weight := range c.Queues {
		if err := drayhorse.ValidateQueue(name); err != nil {
			return err
		}
		if weight < 1 || weight > maxWeight {
			return fmt.Errorf("%w: weight %d of queue %q; want 1 to %d", drayhorse.ErrInvalid, weight, name, maxWeight)
		}
	}
	if c.Concurrency < 0 || c.Concurrency > maxConcurrency {
		return fmt.Errorf("%w: Concurrency %d; want 1 to %d, or 0 for the default", drayhorse.ErrInvalid, c.Concurrency, maxConcurrency)
	}
	if err := c.ValidateLimits(); err != nil {
		return err
	}
	if c.Namespace != "" {
		return drayhorse.ValidateNamespace(c.Namespace)
	}
	return nil
}

func (c *Config) withDefaults() Config {
	d := *c
	d.Namespace = cmp.Or(d.Namespace, drayhorse.DefaultNamespace)
	if len(d.Queues) == 0 {
		d.Queues = map[string]int{drayhorse.DefaultQueue: 1}
	}
	if d.Concurrency == 0 {
		d.Concurrency = DefaultConcurrencyPerCPU * runtime.NumCPU()
	}
	if d.ShutdownTimeout == 0 {
		d.ShutdownTimeout = DefaultShutdownTimeout
	}
	if d.Retry == nil {
		d.Retry = defaultRetry
	}
	return d
}
