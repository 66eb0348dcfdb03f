package lock

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// ErrLocked means that somebody else holds the lock. The message says who.
var ErrLocked = errors.New("locked")

// unavailable is how long Try keeps asking a Redis that does not answer.
const unavailable = 5 * time.Second

// Locker takes locks in the name of one identity. It is safe for concurrent use:
// each Do and each Try is a contender of its own.
type Locker struct {
	cfg     Config
	client  *redis.Client
	run     func(context.Context, redis.Call) (any, error) // client.Run
	highest atomic.Int64                                   // the highest token seen of any lock
	ears    sync.WaitGroup                                 // those who still listen for a bell
}

// New makes a Locker on a client, which stays the caller's. It does not connect.
// The error is drayhorse.ErrInvalid.
func New(client *redis.Client, cfg Config) (*Locker, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Locker{cfg: cfg.withDefaults(), client: client, run: client.Run}, nil
}

// Timing is what is in force, defaults included.
func (l *Locker) Timing() Timing { return l.cfg.Timing }

// Identity is what is in force, for people.
func (l *Locker) Identity() string { return l.cfg.Identity }

// Do waits for the lock of that name, runs fn while holding it, and releases it.
// Waiting ends with ctx, and rides out a Redis that is away.
//
// The context of fn ends with ctx, and with the cause drayhorse.ErrLeaseLost as
// soon as the lock is not certainly held any more. The token is higher than that
// of every earlier holder. Do returns what fn returns, and drayhorse.ErrLeaseLost
// with it if the lock was lost before fn had returned. The lock is renewed until
// fn returns, also after ctx has ended.
func (l *Locker) Do(ctx context.Context, name string, fn func(ctx context.Context, token int64) error) error {
	return l.do(ctx, name, true, fn)
}

// Try is Do that does not wait for a living holder: it returns ErrLocked. A
// holder that may be dead, because it has not renewed for its TTL by Redis's
// clock, is watched until it renews or Try has seen for itself that it does not.
// The error is drayhorse.ErrUnavailable if Redis cannot be reached within 5 s.
func (l *Locker) Try(ctx context.Context, name string, fn func(ctx context.Context, token int64) error) error {
	return l.do(ctx, name, false, fn)
}

func (l *Locker) do(ctx context.Context, name string, patient bool, fn func(context.Context, int64) error) error {
	if err := drayhorse.ValidateID(name); err != nil {
		return fmt.Errorf("lock name: %w", err)
	}
	c := &contender{hold: l.newHold(name), patient: patient, started: time.Now()}
	if err := c.contend(ctx); err != nil {
		return err
	}
	return c.during(ctx, fn)
}

// Holder is who held a lock when Redis was asked.
type Holder struct {
	Identity string
	Token    int64
	Since    time.Time // by Redis's clock
}

// Look says who holds the lock of that name; the zero Holder for nobody. It is
// for people: a holder that died stays until another takes the lock.
func (l *Locker) Look(ctx context.Context, name string) (Holder, error) {
	if err := drayhorse.ValidateID(name); err != nil {
		return Holder{}, fmt.Errorf("lock name: %w", err)
	}
	fields, err := l.client.HMGet(ctx, l.keys(name).lease, "owner", "identity", "token", "since_ms").Result()
	if err != nil {
		return Holder{}, redis.Wrap("look at lock "+name, err)
	}
	if fields[0] == nil {
		return Holder{}, nil
	}
	return holder(fields[1], fields[2], fields[3]), nil
}

// Wait blocks until nothing that the Locker started runs any more: at most 2 s
// after the last Do or Try has returned, and less if the client is closed.
func (l *Locker) Wait() { l.ears.Wait() }

// keys are the keys of one lock, all in one slot of a Redis Cluster. No queue can
// have a name with @.
type keys struct{ lease, bell string }

func (l *Locker) keys(name string) keys {
	prefix := l.cfg.Namespace + ":{" + l.cfg.Family + "@" + name + "}:"
	return keys{lease: prefix + "lease", bell: prefix + "bell"}
}

// saw keeps the highest token known, so that not even a Redis that has lost its
// data hands out a lower one to this Locker.
func (l *Locker) saw(token int64) {
	for {
		old := l.highest.Load()
		if token <= old || l.highest.CompareAndSwap(old, token) {
			return
		}
	}
}

func holder(identity, token, sinceMS any) Holder {
	return Holder{Identity: redis.AsString(identity), Token: redis.AsInt(token), Since: time.UnixMilli(redis.AsInt(sinceMS))}
}

// pause waits for d and reports whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
