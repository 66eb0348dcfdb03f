// Package admin sees and steers: it counts, lists and finds jobs, pauses queues,
// and retries, cancels and deletes, shows workers, schedules and Redis, for operators'
// tools and dashboards. All it does is safe while workers and producers run.
package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/actions"
	"github.com/drayhorse/drayhorse/internal/audit"
	"github.com/drayhorse/drayhorse/internal/election"
	"github.com/drayhorse/drayhorse/internal/events"
	"github.com/drayhorse/drayhorse/internal/flows"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/limits"
	"github.com/drayhorse/drayhorse/internal/lock"
	"github.com/drayhorse/drayhorse/internal/logs"
	"github.com/drayhorse/drayhorse/internal/marks"
	"github.com/drayhorse/drayhorse/internal/printable"
	redisconn "github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/registry"
	"github.com/drayhorse/drayhorse/internal/schedules"
)

// Config says where the jobs are. The zero value is the Redis at
// redis://127.0.0.1:6379/0.
type Config struct {
	// RedisURL says where Redis is, in one of the forms of docs/operations.md.
	RedisURL string
	// Redis is, instead of RedisURL, an application's client. Its options are
	// cloned: the Admin has connections of its own.
	Redis redis.UniversalClient
	// Namespace is the prefix of all keys. Empty: drayhorse.DefaultNamespace.
	Namespace string
	// Actor is who does this, for what is kept of changes of limits and of actions, and the sender of signals: a line of at
	// most 128 bytes. Empty: nobody says.
	Actor string
	// Logger takes what was changed, at level info. nil: none.
	Logger *slog.Logger
}

// Validate reports the first impossible value, as drayhorse.ErrInvalid.
func (c *Config) Validate() error {
	if c.Namespace != "" {
		if err := drayhorse.ValidateNamespace(c.Namespace); err != nil {
			return err
		}
	}
	if drayhorse.ValidateSender(c.Actor) != nil {
		return fmt.Errorf("%w: Actor %q; want at most %d bytes of text in one line", drayhorse.ErrInvalid, printable.Clip(c.Actor, 100), drayhorse.MaxSender)
	}
	return nil
}

// Admin sees and steers. It is safe for concurrent use.
type Admin struct {
	actor     string
	log       *slog.Logger
	client    *redisconn.Client
	engine    *jobs.Engine
	limits    *limits.Limits
	registry  *registry.Registry
	schedules *schedules.Store
	election  *election.Election
	inbox     *jobs.Inbox
	actions   *actions.Store
	flows     *flows.Store
	locks     *lock.Locker
	namespace string
	marks     *marks.Store
	audit     *audit.Store
	events    *events.Hub
	acts      *acts
	checked   *atomic.Bool // the server was found fit
}

// New makes an Admin. It validates the Config and does not connect. The error is
// drayhorse.ErrInvalid.
func New(cfg Config) (*Admin, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	client, err := redisconn.Open(redisconn.Config{URL: cfg.RedisURL, Client: cfg.Redis})
	if err != nil {
		return nil, err
	}
	namespace := cmp.Or(cfg.Namespace, drayhorse.DefaultNamespace)
	leads, err := election.New(client, election.Config{Namespace: namespace, Name: schedules.ElectionName})
	if err != nil {
		return nil, errors.Join(err, client.Close())
	}
	locks, err := lock.New(client, lock.Config{Namespace: namespace, Family: "action", Logger: cfg.Logger})
	if err != nil {
		return nil, errors.Join(err, client.Close())
	}
	engine, told := jobs.New(client, namespace), events.New(client, namespace)
	return &Admin{
		actor: cfg.Actor, log: logs.Or(cfg.Logger), client: client,
		engine: engine, limits: limits.New(engine, namespace), inbox: jobs.NewInbox(engine), registry: registry.New(client, namespace),
		schedules: schedules.New(client, namespace), election: leads,
		actions: actions.New(client, namespace), flows: flows.New(engine, namespace), locks: locks, namespace: namespace,
		marks: marks.New(client, namespace),
		audit: audit.New(client, namespace), events: events.NewHub(told), acts: &acts{store: told}, checked: new(atomic.Bool),
	}, nil
}

// Close ends the waits for jobs and events, with drayhorse.ErrClosed, and the connections.
func (a *Admin) Close() error {
	a.inbox.Close()
	a.events.Close()
	a.acts.wait()
	err := a.client.Close()
	a.locks.Wait()
	return err
}

// queues gives the partitions of one queue, or for the name "" those of all, each
// queue's together, ordered by name. Those whose rows in the registry cannot be read
// are passed over, and named in the log. The error is drayhorse.ErrNotFound,
// ErrQueueInvalid or ErrUnavailable.
func (a *Admin) queues(ctx context.Context, name string) ([][]*jobs.Partition, error) {
	if name != "" {
		if err := drayhorse.ValidateQueue(name); err != nil {
			return nil, err
		}
	}
	if err := a.check(ctx); err != nil {
		return nil, err
	}
	if name == "" {
		all, unreadable, err := a.engine.List(ctx)
		for queue, why := range unreadable {
			a.log.WarnContext(ctx, "queue is passed over", slog.String(logs.Queue, queue), slog.String(logs.Error, why.Error()))
		}
		return all, err
	}
	partitions, err := a.engine.Lookup(ctx, name)
	if err != nil {
		return nil, err
	}
	return [][]*jobs.Partition{partitions}, nil
}

// check looks the server over, once: its errors say more than those of the first
// command that it refuses.
func (a *Admin) check(ctx context.Context) error {
	if a.checked.Load() {
		return nil
	}
	if err := a.client.Check(ctx); err != nil {
		return err
	}
	a.checked.Store(true)
	return nil
}
