package outbox

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/drayhorse/drayhorse"
)

// MaxSpecs is the largest number of specs of one Enqueue.
const MaxSpecs = 10_000

// Limits of one insert.
const (
	maxInsertRows  = 100
	maxInsertBytes = 1 << 20
)

// Tx is the application's transaction: a *sql.Tx, or what wraps one.
type Tx interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// Enqueue puts jobs in the outbox, in the application's transaction: they are enqueued
// when it is committed, and not if it is rolled back. All specs are validated first: a
// bad one refuses all, and the error, which is drayhorse.ErrInvalid, names its index.
// Any other error is the database's; the transaction is then to be rolled back. No specs
// are no error. The options ReplaceEnded and Unique are refused: they would undo what IDs
// are for here.
//
// The time of an In option counts from here on.
func (b *Box) Enqueue(ctx context.Context, tx Tx, specs ...drayhorse.Spec) error {
	if err := checkTx(tx); err != nil {
		return err
	}
	if len(specs) > MaxSpecs {
		return fmt.Errorf("%w: %d specs at once; want at most %d", drayhorse.ErrInvalid, len(specs), MaxSpecs)
	}
	rows := make([]*row, len(specs))
	for i, spec := range specs {
		var err error
		if rows[i], err = b.newRow(spec); err != nil {
			return fmt.Errorf("spec %d: %w", i, err)
		}
	}
	for len(rows) > 0 {
		n := insertable(rows)
		if err := b.insert(ctx, tx, rows[:n]); err != nil {
			return fmt.Errorf("outbox: insert into %s: %w", b.table, err)
		}
		rows = rows[n:]
	}
	return nil
}

// checkTx refuses a handle that commits by itself: that is what the outbox is not for,
// and easily mistaken.
func checkTx(tx Tx) error {
	switch tx := tx.(type) {
	case nil:
		return fmt.Errorf("%w: tx is nil; want the application's transaction", drayhorse.ErrInvalid)
	case *sql.Tx:
		if tx == nil {
			return fmt.Errorf("%w: tx is a nil *sql.Tx; want the application's transaction", drayhorse.ErrInvalid)
		}
	case *sql.DB:
		return fmt.Errorf("%w: tx is a *sql.DB; want the *sql.Tx that the application's own writes are in", drayhorse.ErrInvalid)
	}
	return nil
}

// insertable is how many of the first rows fit one insert.
func insertable(rows []*row) int {
	size := 0
	for i, r := range rows {
		if size += r.size(); i > 0 && (i == maxInsertRows || size > maxInsertBytes) {
			return i
		}
	}
	return len(rows)
}

func (b *Box) insert(ctx context.Context, tx Tx, rows []*row) error {
	args := make([]any, 0, 6*len(rows))
	for _, r := range rows {
		args = append(args, r.queue, r.jobID, r.kind, r.args, r.options, r.size())
	}
	_, err := tx.ExecContext(ctx, b.insertSQL(len(rows)), args...)
	return err
}

func (b *Box) insertSQL(rows int) string {
	values := strings.Join(slices.Repeat([]string{"(?, ?, ?, ?, ?, ?, {now})"}, rows), ", ")
	text := "INSERT INTO {outbox} (queue, job_id, kind, args, options, size, created_ms) VALUES " + values
	if b.notify { // in the same round trip; rings of one transaction are one
		text += " RETURNING pg_notify('" + b.channel() + "', '')"
	}
	return b.sql(text)
}
