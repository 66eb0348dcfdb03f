package election

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/lock"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// DefaultTTL is how long a silent leader stays leader unless configured
// otherwise. Its successor leads within that and a RetryPeriod.
const DefaultTTL = 5 * time.Second

// Config of an Election. All candidates share Redis, Namespace and Name.
type Config struct {
	// Namespace is the first part of every key; default "drayhorse".
	Namespace string
	// Name says what is led, in the form of a job's ID.
	Name string
	// Identity says to people who leads; default host name and process id.
	Identity string
	// Logger, or nil for none.
	Logger *slog.Logger
	// Timing of the lock below; TTL is DefaultTTL by default.
	lock.Timing
}

// Validate reports impossible values and relations as drayhorse.ErrInvalid.
func (c Config) Validate() error {
	if err := drayhorse.ValidateID(c.Name); err != nil {
		return fmt.Errorf("election name: %w", err)
	}
	return c.lock().Validate()
}

func (c Config) lock() lock.Config {
	if c.TTL == 0 {
		c.TTL = DefaultTTL
	}
	return lock.Config{
		Namespace: c.Namespace, Family: "election", Identity: c.Identity,
		Logger: c.Logger, Timing: c.Timing,
	}
}

// Election is one candidate for the lead of one name, and an observer of it.
type Election struct {
	name   string
	locker *lock.Locker
	log    *slog.Logger
	retry  time.Duration
}

// New makes a candidate on a client, which stays the caller's. It does not
// connect. The error is drayhorse.ErrInvalid.
func New(client *redis.Client, cfg Config) (*Election, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	locker, err := lock.New(client, cfg.lock())
	if err != nil {
		return nil, err
	}
	log := cfg.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Election{name: cfg.Name, locker: locker, log: log, retry: locker.Timing().RetryPeriod}, nil
}

// Run campaigns until ctx ends and runs lead for every term that it wins. The
// context of a term ends with ctx, and with the cause drayhorse.ErrLeaseLost as
// soon as this candidate is not certainly the leader any more. Terms rise over
// all candidates; whatever a leader writes should carry its term and be refused
// if a higher one was seen.
//
// When lead returns nil, another may lead; if none does, this candidate will
// again. When it returns an error although its term lasts, Run hands the lead over
// and returns that error. Run returns nil when ctx ends, after lead has returned,
// and rides out a Redis that is away.
func (e *Election) Run(ctx context.Context, lead func(ctx context.Context, term int64) error) error {
	defer e.locker.Wait()
	for ctx.Err() == nil {
		err := e.locker.Do(ctx, e.name, func(ctx context.Context, term int64) error {
			e.log.InfoContext(ctx, "elected", "election", e.name, "term", term)
			err := lead(ctx, term)
			e.log.InfoContext(ctx, "term ends", "election", e.name, "term", term, "cause", context.Cause(ctx), "error", err)
			return err
		})
		switch {
		case ctx.Err() != nil || errors.Is(err, drayhorse.ErrLeaseLost):
		case err != nil:
			return err
		default:
			e.standBack(ctx)
		}
	}
	return nil
}

// standBack leaves the others the time to take a lead that was laid down.
func (e *Election) standBack(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(e.retry):
	}
}

// Leader is who led when Redis was asked. The zero Leader stands for nobody.
type Leader struct {
	Identity string
	Term     int64
	Since    time.Time // by Redis's clock
}

// Leader says who leads. It is for people: a leader that died is named until its
// successor leads, and only the context of a term says that one leads oneself.
func (e *Election) Leader(ctx context.Context) (Leader, error) {
	holder, err := e.locker.Look(ctx, e.name)
	return Leader{Identity: holder.Identity, Term: holder.Token, Since: holder.Since}, err
}
