package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/drayhorse/drayhorse"
)

// Refused is a job that the relay's producer refused for good, such as one with arguments
// over its limit. It waits in the table with _refused behind its name until somebody
// retries or discards it.
type Refused struct {
	ID        int64 // of the row
	Queue     string
	JobID     string
	Kind      string
	Size      int       // of the row, in bytes
	CreatedAt time.Time // by the database's clock
	RefusedAt time.Time
	Reason    string
}

// MaxRefused is how many jobs one call of Refused gives at most.
const MaxRefused = 1000

var errGone = fmt.Errorf("%w: no such row", drayhorse.ErrNotFound)

// Refused lists jobs that were set aside, in the order of their IDs, those after the one
// with the ID after. limit is 1 to MaxRefused.
func (b *Box) Refused(ctx context.Context, after int64, limit int) ([]Refused, error) {
	if limit < 1 || limit > MaxRefused {
		return nil, invalid("limit %d; want 1 to %d", limit, MaxRefused)
	}
	rows, err := b.db.QueryContext(ctx, b.sql(`SELECT id, queue, job_id, kind, size, created_ms, refused_ms, reason
FROM {refused} WHERE id > ? ORDER BY id LIMIT ?`), after, limit)
	if err != nil {
		return nil, fmt.Errorf("outbox: read %s_refused: %w", b.table, err)
	}
	defer func() { _ = rows.Close() }()
	var all []Refused
	for rows.Next() {
		var one Refused
		var created, refused int64
		if err := rows.Scan(&one.ID, &one.Queue, &one.JobID, &one.Kind, &one.Size, &created, &refused, &one.Reason); err != nil {
			return nil, fmt.Errorf("outbox: read %s_refused: %w", b.table, err)
		}
		one.CreatedAt, one.RefusedAt = time.UnixMilli(created), time.UnixMilli(refused)
		all = append(all, one)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("outbox: read %s_refused: %w", b.table, err)
	}
	return all, nil
}

// Retry puts a job that was set aside back in the outbox, behind all others, once what it
// was refused for is mended. The time of an In option counts from now on. The error is
// drayhorse.ErrNotFound if there is no such row.
func (b *Box) Retry(ctx context.Context, id int64) error {
	err := b.move(ctx, "INSERT INTO {outbox} ("+columns+", created_ms) SELECT "+columns+", {now} FROM {refused} WHERE id = ?",
		"DELETE FROM {refused} WHERE id = ?", id, id)
	return describe(err, "retry", id)
}

// Discard deletes a job that was set aside. The error is drayhorse.ErrNotFound if there
// is no such row.
func (b *Box) Discard(ctx context.Context, id int64) error {
	result, err := b.db.ExecContext(ctx, b.sql("DELETE FROM {refused} WHERE id = ?"), id)
	if err == nil {
		var n int64
		if n, err = result.RowsAffected(); err == nil && n == 0 {
			err = errGone
		}
	}
	return describe(err, "discard", id)
}

func describe(err error, verb string, id int64) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errGone):
		return fmt.Errorf("outbox: %s refused job %d: %w", verb, id, drayhorse.ErrNotFound)
	default:
		return fmt.Errorf("outbox: %s refused job %d: %w", verb, id, err)
	}
}
