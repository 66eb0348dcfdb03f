package lock

import (
	"cmp"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"time"

	"github.com/drayhorse/drayhorse"
)

// Config of a Locker.
type Config struct {
	// Namespace is the first part of every key; default "drayhorse".
	Namespace string
	// Family keeps the names of one use of locks apart from those of another;
	// default "lock".
	Family string
	// Identity says to people who holds a lock; default host name and process
	// id. It need not be unique.
	Identity string
	// Logger, or nil for none.
	Logger *slog.Logger

	Timing
}

// Timing is how long a lock outlives a holder that fell silent, and how soon the
// holder stops trusting it.
type Timing struct {
	// TTL is how long others must have seen a lease unchanged before one of them
	// takes the lock; 100 ms to 24 h, default 10 s.
	TTL time.Duration
	// RenewDeadline is how long after the start of its last good renewal the
	// holder trusts its lock; default two thirds of TTL. The rest of TTL is the
	// margin for work that is slow to stop and clocks that run unevenly.
	RenewDeadline time.Duration
	// RetryPeriod is how often, about, a holder renews and a waiter looks;
	// default a tenth of TTL, at most 1 s.
	RetryPeriod time.Duration
}

const (
	defaultFamily  = "lock"
	defaultTTL     = 10 * time.Second
	minTTL, maxTTL = 100 * time.Millisecond, 24 * time.Hour

	// jitter is the most by which a period is stretched, so that many waiters do
	// not look in step.
	jitter = 1.2
	// keep is how long a lease outlives the last call that touched it: much
	// longer than any TTL and any likely jump of Redis's clock, so that the
	// expiry of a key only clears away what nobody uses.
	keep = 30 * 24 * time.Hour
)

// Validate reports impossible values and relations as drayhorse.ErrInvalid. Zero
// values are their defaults.
func (c Config) Validate() error {
	c = c.withDefaults()
	if err := drayhorse.ValidateID(c.Namespace); err != nil {
		return fmt.Errorf("namespace: %w", err)
	}
	return c.Timing.Validate()
}

// Validate reports impossible values and relations as drayhorse.ErrInvalid. Zero
// values are their defaults.
func (t Timing) Validate() error {
	t = t.withDefaults()
	switch {
	case t.TTL < minTTL || t.TTL > maxTTL:
		return fmt.Errorf("%w: TTL %v; want %v to %v", drayhorse.ErrInvalid, t.TTL, minTTL, maxTTL)
	case t.RenewDeadline >= t.TTL:
		return fmt.Errorf("%w: RenewDeadline %v; want less than TTL %v", drayhorse.ErrInvalid, t.RenewDeadline, t.TTL)
	case t.RetryPeriod <= 0:
		return fmt.Errorf("%w: RetryPeriod %v; want more than 0", drayhorse.ErrInvalid, t.RetryPeriod)
	case t.RenewDeadline <= stretch(t.RetryPeriod, jitter):
		return fmt.Errorf("%w: RenewDeadline %v; want more than RetryPeriod %v x %v of jitter",
			drayhorse.ErrInvalid, t.RenewDeadline, t.RetryPeriod, jitter)
	}
	return nil
}

func (c Config) withDefaults() Config {
	c.Namespace = cmp.Or(c.Namespace, drayhorse.DefaultNamespace)
	if c.Family == "" {
		c.Family = defaultFamily
	}
	if c.Identity == "" {
		host, _ := os.Hostname() // for people alone: the process id will do
		c.Identity = host + ":" + strconv.Itoa(os.Getpid())
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Timing = c.Timing.withDefaults()
	return c
}

func (t Timing) withDefaults() Timing {
	if t.TTL == 0 {
		t.TTL = defaultTTL
	}
	if t.RenewDeadline == 0 {
		t.RenewDeadline = t.TTL * 2 / 3
	}
	if t.RetryPeriod == 0 {
		t.RetryPeriod = min(t.TTL/10, time.Second)
	}
	return t
}

// pause is one RetryPeriod with its jitter.
func (t Timing) pause() time.Duration {
	return stretch(t.RetryPeriod, 1+rand.Float64()*(jitter-1)) //nolint:gosec // no secret
}

// call is how long one call may take: a holder whose connection hangs gets more
// than one chance before its deadline.
func (t Timing) call() time.Duration { return min(t.RenewDeadline/3, 2*time.Second) }

func stretch(d time.Duration, by float64) time.Duration { return time.Duration(float64(d) * by) }
