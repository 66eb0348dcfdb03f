package outbox

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Limits of one read. With what Redis is told beside the rows, the jobs of one read fit
// in one call of a queue, which stores all or none: so none is stored when one before it
// is not.
const (
	maxReadRows  = 1000
	maxReadBytes = 512 << 10 // or one row, if it is larger
)

// read is the first rows, in the order of their numbers.
type read struct {
	rows  []*row
	full  bool // there may be more
	whole bool // no queue was left out
	from  int64
}

// readSQL finds the rows by their sizes first, so that the large ones that do not fit are
// not read in vain.
const readSQL = `SELECT o.id, o.queue, o.job_id, o.kind, o.args, o.options, {now} - o.created_ms
FROM {outbox} AS o JOIN (
	SELECT id FROM (
		SELECT id, SUM(size) OVER (ORDER BY id) - size AS bytes_before FROM (
			SELECT id, size FROM {outbox} WHERE id >= ?%s ORDER BY id LIMIT %d
		) AS first_rows
	) AS counted WHERE bytes_before < %d
) AS chosen ON chosen.id = o.id ORDER BY o.id`

func (r *relay) read(ctx context.Context) (*read, error) {
	held := r.queues.names()
	out := &read{whole: len(held) == 0, from: r.floor.from()}
	args, without := []any{out.from}, ""
	if !out.whole {
		without = " AND queue NOT IN (?" + strings.Repeat(", ?", len(held)-1) + ")"
		for _, queue := range held {
			args = append(args, queue)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, databaseTime)
	defer cancel()
	rows, err := r.db.QueryContext(ctx, r.sql(fmt.Sprintf(readSQL, without, maxReadRows, maxReadBytes)), args...)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", r.table, err)
	}
	defer func() { _ = rows.Close() }()
	size := 0
	for rows.Next() {
		var one row
		var age int64
		if err := rows.Scan(&one.id, &one.queue, &one.jobID, &one.kind, &one.args, &one.options, &age); err != nil {
			return nil, fmt.Errorf("read %s: %w", r.table, err)
		}
		one.age, one.readAt = time.Duration(age)*time.Millisecond, time.Now()
		out.rows = append(out.rows, &one)
		size += one.size()
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read %s: %w", r.table, err)
	}
	out.full = len(out.rows) == maxReadRows || size >= maxReadBytes
	return out, nil
}
