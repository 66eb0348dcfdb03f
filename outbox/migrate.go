package outbox

import (
	"context"
	"database/sql"
	"fmt"
)

// migrateTime is in seconds how long a Migrate waits for another one.
const migrateTime = 60

// executor is a connection or a transaction.
type executor interface {
	Tx
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Migrate makes the tables or brings them to this package's Version. What is there
// already is left alone, so it may be called at every start, by all replicas at once.
// The database's user needs the right to create tables; Schema prints the SQL for those
// who would rather apply it themselves. The errors are the database's.
func (b *Box) Migrate(ctx context.Context) error {
	migrate := b.migrateInTx
	if b.dialect == MySQL {
		migrate = b.migrateMySQL
	}
	if err := migrate(ctx); err != nil {
		return fmt.Errorf("outbox: migrate %s: %w", b.table, err)
	}
	return nil
}

// migrateInTx is all or nothing.
func (b *Box) migrateInTx(ctx context.Context) error {
	tx, err := b.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	if b.dialect == Postgres {           // tables made at once by two may fail in one
		if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(hashtext($1))", b.table); err != nil {
			return err
		}
	}
	if err := b.apply(ctx, tx); err != nil {
		return err
	}
	return tx.Commit()
}

// migrateMySQL does it with a lock, where a table cannot be made in a transaction: each
// statement may be made again.
func (b *Box) migrateMySQL(ctx context.Context) error {
	conn, err := b.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	var got sql.NullInt64
	if err := conn.QueryRowContext(ctx, "SELECT GET_LOCK(?, ?)", b.table, migrateTime).Scan(&got); err != nil {
		return err
	}
	if got.Int64 != 1 {
		return fmt.Errorf("another one has not ended for %d s", migrateTime)
	}
	defer func() {
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), "DO RELEASE_LOCK(?)", b.table) // or it goes with the connection
	}()
	return b.apply(ctx, conn)
}

func (b *Box) apply(ctx context.Context, db executor) error {
	for _, statement := range []string{metaSQL, metaRow} {
		if _, err := db.ExecContext(ctx, b.sql(statement)); err != nil {
			return err
		}
	}
	var version int
	if err := db.QueryRowContext(ctx, b.sql("SELECT version FROM {meta} WHERE id = 1")).Scan(&version); err != nil {
		return err
	}
	if version >= Version {
		return nil // a newer one is for a newer program to judge
	}
	for _, statements := range b.migrations()[version:] {
		for _, statement := range statements {
			if _, err := db.ExecContext(ctx, b.sql(statement)); err != nil {
				return err
			}
		}
	}
	_, err := db.ExecContext(ctx, b.sql("UPDATE {meta} SET version = ? WHERE id = 1"), Version)
	return err
}
