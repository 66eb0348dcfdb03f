package lock

import (
	"context"
	"log/slog"
	"time"

	goredis "github.com/redis/go-redis/v9"

	lease "github.com/drayhorse/drayhorse/internal/lock"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// ErrLocked is what TryDo returns when somebody else holds the lock. The message
// says who, and since when.
var ErrLocked = lease.ErrLocked

// Config of a Locker. All programs that share a lock share Redis and Namespace;
// their timing may differ.
type Config struct {
	// RedisURL says where Redis is; default redis://127.0.0.1:6379/0.
	RedisURL string
	// Redis, instead of RedisURL: a client whose options are used. It is neither
	// used itself nor closed.
	Redis goredis.UniversalClient
	// Namespace is the first part of every key; default "drayhorse".
	Namespace string
	// Identity says to people who holds a lock; default host name and process
	// id. It need not be unique.
	Identity string
	// Logger, or nil for none.
	Logger *slog.Logger

	// TTL is how long a holder must have been silent before another takes the
	// lock; 100 ms to 24 h, default 10 s.
	TTL time.Duration
	// RenewDeadline is how long after its last good renewal a holder trusts its
	// lock; less than TTL, default two thirds of it. The rest of TTL is the time
	// that work has to stop when the lock is lost.
	RenewDeadline time.Duration
	// RetryPeriod is how often, about, a holder renews and a waiter looks; less
	// than RenewDeadline / 1.2, default a tenth of TTL, at most 1 s.
	RetryPeriod time.Duration
}

// Validate reports impossible values and relations as drayhorse.ErrInvalid. Zero
// values are their defaults.
func (c Config) Validate() error { return c.lease().Validate() }

func (c Config) lease() lease.Config {
	return lease.Config{
		Namespace: c.Namespace, Identity: c.Identity, Logger: c.Logger,
		Timing: lease.Timing{TTL: c.TTL, RenewDeadline: c.RenewDeadline, RetryPeriod: c.RetryPeriod},
	}
}

// Locker takes locks. It is safe for concurrent use; goroutines that share one
// exclude each other as processes do.
type Locker struct {
	client *redis.Client
	leases *lease.Locker
}

// New makes a Locker. It validates, and does not connect. The error is
// drayhorse.ErrInvalid.
func New(cfg Config) (*Locker, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	client, err := redis.Open(redis.Config{URL: cfg.RedisURL, Client: cfg.Redis})
	if err != nil {
		return nil, err
	}
	leases, err := lease.New(client, cfg.lease())
	if err != nil {
		return nil, err
	}
	return &Locker{client: client, leases: leases}, nil
}

// Do waits for the lock of that name, runs fn while holding it, and releases it.
// A name is 1-128 of letters, digits and _ . : - @.
//
// Waiting ends with ctx and rides out a Redis that is away; the error then wraps
// context.Cause(ctx). The context of fn ends with ctx, and with the cause
// drayhorse.ErrLeaseLost as soon as the lock is not certainly held any more. Do
// returns what fn returns, and drayhorse.ErrLeaseLost with it if the lock was lost
// before fn had returned. A lock is not reentrant.
func (l *Locker) Do(ctx context.Context, name string, fn func(ctx context.Context, token int64) error) error {
	return l.leases.Do(ctx, name, fn)
}

// TryDo is Do that does not wait for a living holder: it returns ErrLocked, and
// fn does not run. A holder that seems to be dead is watched first, for its TTL
// at most. The error is drayhorse.ErrUnavailable if Redis cannot be reached
// within 5 s.
func (l *Locker) TryDo(ctx context.Context, name string, fn func(ctx context.Context, token int64) error) error {
	return l.leases.Try(ctx, name, fn)
}

// Close ends the connections. Call it when every Do and TryDo has returned.
func (l *Locker) Close() error {
	err := l.client.Close()
	l.leases.Wait()
	return err
}
