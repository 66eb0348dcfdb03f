package outbox

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/logs"
)

// DefaultTable is the name of the table where none is given.
const DefaultTable = "drayhorse_outbox"

// Config says where the outbox is.
type Config struct {
	// DB is the application's database, for Migrate and Relay. Enqueue writes to the
	// transaction that it is given.
	DB *sql.DB
	// Dialect is Postgres, MySQL or SQLite.
	Dialect Dialect
	// Table is the name of the table, with its schema if it has one: at most 40 of
	// letters, digits and _. Two more tables have the same name with _refused and _meta
	// behind it. Empty: DefaultTable.
	Table string
	// MaxArgs is how many bytes of JSON the arguments of a job may have. Take that of
	// the producer that Relay gets. 0: 1 MiB; at most 16 MiB.
	MaxArgs int
	// Poll is how long a relay with nothing to do waits before it looks again. 0: 100 ms,
	// or 2 s while it listens; 1 ms to 1 min.
	Poll time.Duration
	// Lease is how long after the death of a relay another one takes over. 0: 5 s;
	// 100 ms to 1 min.
	Lease time.Duration
	// Notify has Enqueue ring the relays that listen, with NOTIFY, when the transaction
	// is committed: for Postgres alone. outboxpgx sets it.
	Notify bool
	// Listen waits for the rings of Notify until ctx ends or it fails, and calls wake at
	// each and once at its begin, as soon as it knows that rings arrive. Relay calls it
	// again when it fails. nil: relays poll. outboxpgx sets it.
	Listen func(ctx context.Context, channel string, wake func()) error
	// Logger takes the log. nil: none.
	Logger *slog.Logger
	// Registerer takes the metrics, also of programs that only enqueue. nil: none.
	Registerer prometheus.Registerer
}

const (
	maxMaxArgs = 16 << 20

	defaultPoll   = 100 * time.Millisecond
	listeningPoll = 2 * time.Second // in case a ring is lost
	defaultLease  = 5 * time.Second
)

// Validate reports the first impossible value, as drayhorse.ErrInvalid.
func (c *Config) Validate() error {
	switch {
	case c.DB == nil:
		return invalid("DB is nil; want the application's *sql.DB")
	case c.MaxArgs < 0 || c.MaxArgs > maxMaxArgs:
		return invalid("MaxArgs %d; want 1 to %d, or 0 for the default", c.MaxArgs, maxMaxArgs)
	case c.Poll != 0 && (c.Poll < time.Millisecond || c.Poll > time.Minute):
		return invalid("Poll %v; want 1ms to 1m, or 0 for the default", c.Poll)
	case c.Lease != 0 && (c.Lease < 100*time.Millisecond || c.Lease > time.Minute):
		return invalid("Lease %v; want 100ms to 1m, or 0 for the default", c.Lease)
	case c.Notify && c.Dialect != Postgres:
		return invalid("Notify with %v; only Postgres has NOTIFY", c.Dialect)
	}
	_, err := newNames(c.Dialect, c.Table)
	return err
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: outbox: %s", drayhorse.ErrInvalid, fmt.Sprintf(format, args...))
}

// Box is an outbox in a database. It is safe for concurrent use.
type Box struct {
	names
	db      *sql.DB
	maxArgs int
	poll    time.Duration // 0: the default
	lease   time.Duration
	notify  bool
	listen  func(ctx context.Context, channel string, wake func()) error
	log     *slog.Logger
	counts  *counts
}

// New makes a Box. It validates the Config and does not connect. The error is
// drayhorse.ErrInvalid, or that of the Registerer.
func New(cfg Config) (*Box, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	b := &Box{
		names: names{cfg.Dialect, cmp.Or(cfg.Table, DefaultTable)}, db: cfg.DB,
		maxArgs: cmp.Or(cfg.MaxArgs, drayhorse.DefaultMaxArgs), poll: cfg.Poll, lease: cmp.Or(cfg.Lease, defaultLease),
		notify: cfg.Notify, listen: cfg.Listen, log: logs.Or(cfg.Logger),
	}
	var err error
	if b.counts, err = newCounts(b, cfg.Registerer); err != nil {
		return nil, fmt.Errorf("outbox: register metrics: %w", err)
	}
	return b, nil
}
