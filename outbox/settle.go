package outbox

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/drayhorse/drayhorse/internal/logs"
)

// settle takes rows that are in Redis out of the table and sets aside those that are
// refused.
func (r *relay) settle(ctx context.Context, out *outcome) error {
	r.queues.note(out)
	ctx, cancel := context.WithTimeout(ctx, databaseTime)
	defer cancel()
	err := r.delete(ctx, out.done)
	for _, refused := range out.refused {
		err = errors.Join(err, r.refuse(ctx, refused))
	}
	return err
}

// delete goes by the number of each row: between them may be some that were committed
// since the read.
func (r *relay) delete(ctx context.Context, rows []*row) error {
	if len(rows) == 0 {
		return nil
	}
	ids := make([]string, len(rows))
	for i, one := range rows {
		ids[i] = strconv.FormatInt(one.id, 10)
	}
	text, args := deleteSQL(r.dialect, strings.Join(ids, ","))
	if _, err := r.db.ExecContext(ctx, r.sql(text), args...); err != nil {
		return fmt.Errorf("delete from %s: %w", r.table, err)
	}
	r.counts.moved(rows)
	return nil
}

func deleteSQL(dialect Dialect, ids string) (text string, args []any) {
	switch dialect {
	case Postgres: // the same text each time, for its statistics of statements
		return "DELETE FROM {outbox} WHERE id = ANY(string_to_array(?, ',')::bigint[])", []any{ids}
	case MySQL:
		// With a list it often reads the whole table, and waits for all who have not
		// committed yet. This way it has no choice.
		return "DELETE o FROM JSON_TABLE('[" + ids + "]', '$[*]' COLUMNS (id BIGINT PATH '$')) AS ids STRAIGHT_JOIN {outbox} AS o ON o.id = ids.id", nil
	default:
		return "DELETE FROM {outbox} WHERE id IN (" + ids + ")", nil
	}
}

// maxReason is how many bytes of a refusal's reason are kept.
const maxReason = 1000

// refuse sets a row aside.
func (r *relay) refuse(ctx context.Context, refused refusal) error {
	reason := strings.ToValidUTF8(refused.reason.Error()[:min(len(refused.reason.Error()), maxReason)], "")
	err := r.move(ctx, "INSERT INTO {refused} ("+columns+", id, created_ms, refused_ms, reason) SELECT "+columns+
		", id, created_ms, {now}, ? FROM {outbox} WHERE id = ?", "DELETE FROM {outbox} WHERE id = ?", refused.row.id, reason, refused.row.id)
	if err != nil {
		return fmt.Errorf("move a row from %s to %s_refused: %w", r.table, r.table, err)
	}
	r.counts.refused.Inc()
	r.log.Error("a job of the outbox is refused and set aside", "row", refused.row.id, logs.JobID, refused.row.jobID,
		logs.Queue, refused.row.queue, logs.Kind, refused.row.kind, logs.Error, refused.reason)
	return nil
}

// columns are those that move between the tables as they are.
const columns = "queue, job_id, kind, args, options, size"

// move is an insert, with args, and a delete by id, in one transaction.
func (b *Box) move(ctx context.Context, insert, remove string, id int64, args ...any) error {
	tx, err := b.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	if _, err := tx.ExecContext(ctx, b.sql(insert), args...); err != nil {
		return err
	}
	result, err := tx.ExecContext(ctx, b.sql(remove), id)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, errGone)
	}
	return tx.Commit()
}
