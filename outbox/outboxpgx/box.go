// Package outboxpgx is package outbox for applications that use pgx itself: jobs are
// enqueued in a pgx.Tx, and relays hear of commits by LISTEN, so that a job is in Redis
// some milliseconds after the commit. It is a module of its own: programs that do not
// import it do not depend on pgx.
package outboxpgx

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/outbox"
)

// Box is an outbox in PostgreSQL. It is that of package outbox; its own Enqueue takes a
// pgx.Tx, and Box.Box.Enqueue a *sql.Tx. It is safe for concurrent use.
type Box struct {
	*outbox.Box

	db *sql.DB // of the pool
}

// New makes a Box on a pool, which it does not close. It does not connect. Each change
// may set fields of the Config, such as Logger; Notify false has Enqueue ring nobody, and
// relays poll. A Relay has one connection beside those of the pool while it listens,
// which a pooler such as PgBouncer must not share: where no ring arrives, it polls. The
// errors are those of outbox.New.
func New(pool *pgxpool.Pool, changes ...func(*outbox.Config)) (*Box, error) {
	if pool == nil {
		return nil, fmt.Errorf("%w: outboxpgx: the pool is nil", drayhorse.ErrInvalid)
	}
	db := stdlib.OpenDBFromPool(pool)
	cfg := outbox.Config{
		DB: db, Dialect: outbox.Postgres, Notify: true,
		Listen: func(ctx context.Context, channel string, wake func()) error { return listen(ctx, pool, channel, wake) },
	}
	for _, change := range changes {
		change(&cfg)
	}
	box, err := outbox.New(cfg)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &Box{box, db}, nil
}

// Close ends what New began, after the end of all calls. The pool stays as it is.
func (b *Box) Close() error { return b.db.Close() }

// Enqueue puts jobs in the outbox, in the application's transaction, as outbox.Box's
// Enqueue does.
func (b *Box) Enqueue(ctx context.Context, tx pgx.Tx, specs ...drayhorse.Spec) error {
	if tx == nil {
		return b.Box.Enqueue(ctx, nil, specs...)
	}
	return b.Box.Enqueue(ctx, execer{tx}, specs...)
}

// execer is a pgx.Tx as package outbox uses it.
type execer struct{ tx pgx.Tx }

func (e execer) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	tag, err := e.tx.Exec(ctx, query, args...)
	return result{tag}, err
}

type result struct{ tag pgconn.CommandTag }

func (r result) RowsAffected() (int64, error) { return r.tag.RowsAffected(), nil }

func (result) LastInsertId() (int64, error) {
	return 0, fmt.Errorf("outboxpgx: PostgreSQL has no last insert ID")
}

const (
	proofTime  = 5 * time.Second  // in which the first ring has to arrive
	listenTime = 10 * time.Second // for what sets it up
	aliveEvery = 30 * time.Second // how often a silent connection is tried
)

// listen waits for rings on a connection of its own.
func listen(ctx context.Context, pool *pgxpool.Pool, channel string, wake func()) error {
	conn, err := open(ctx, pool, channel)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(closing)
	}()
	for patience := proofTime; ; patience = aliveEvery {
		if err := next(ctx, conn, patience); err != nil {
			if patience == proofTime || ctx.Err() != nil || !pgconn.Timeout(err) {
				return fmt.Errorf("listen: %w", err)
			}
			if err := alive(ctx, conn); err != nil {
				return fmt.Errorf("listen: %w", err)
			}
			continue
		}
		wake()
	}
}

// open listens on a connection that is out of the pool, and rings for itself on one of
// the pool: when that arrives it is sure that rings do.
func open(ctx context.Context, pool *pgxpool.Pool, channel string) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, listenTime)
	defer cancel()
	pooled, err := pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	conn := pooled.Hijack()
	if _, err = conn.Exec(ctx, "LISTEN "+pgx.Identifier{channel}.Sanitize()); err == nil {
		_, err = pool.Exec(ctx, "SELECT pg_notify($1, '')", channel)
	}
	if err != nil {
		_ = conn.Close(ctx)
		return nil, err
	}
	return conn, nil
}

func next(ctx context.Context, conn *pgx.Conn, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := conn.WaitForNotification(ctx)
	return err
}

// alive reports a connection whose other side has gone without a word.
func alive(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, listenTime)
	defer cancel()
	return conn.Ping(ctx)
}
