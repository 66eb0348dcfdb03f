package outbox

import (
	"context"
	"fmt"
	"time"

	"github.com/drayhorse/drayhorse/internal/logs"
)

// floor is the number below which no row is left and none can come any more. Reads begin
// there: deleted rows that cannot be vacuumed yet, because some old transaction might see
// them, need not be passed again and again.
//
// A row may be committed long after rows with higher numbers. Who inserts holds a lock of
// the table until the end of the transaction, and has it before its rows get numbers. So:
// read the last number that was given out, then see who holds the lock. When all of those
// have ended, all rows up to that number are there to be seen, or never will be.
type floor struct {
	at      int64
	fullAt  time.Time // of the last read from the first row on
	passed  int       // deleted rows since at moved
	asked   time.Time
	last    int64           // the last number given out when holders were looked at
	holders map[string]bool // nil: not looked at
	said    bool
	settled int64 // all up to it are there; 0: not known
}

const (
	floorRows  = 2000        // deleted ones that are passed without care
	floorEvery = time.Second // it costs a look at all locks
	floorFull  = time.Minute // in case numbers begin anew
)

// from is where the next read begins.
func (f *floor) from() int64 {
	if time.Since(f.fullAt) > floorFull {
		return 0
	}
	return f.at
}

// look moves the floor if it is known to be higher now.
func (f *floor) look(ctx context.Context, b *Box, last *read, deleted int) {
	if b.dialect != Postgres {
		return // SQLite keeps nothing of deleted rows, and MySQL tells nobody who inserts
	}
	f.passed += deleted
	if last.from == 0 {
		f.fullAt = time.Now()
		if len(last.rows) > 0 && last.rows[0].id < f.at { // somebody has set the sequence back
			*f = floor{fullAt: f.fullAt, asked: f.asked}
		}
	}
	if f.settled > 0 && last.whole {
		// This read came after settled was known.
		f.at = f.settled + 1
		if len(last.rows) > 0 {
			f.at = min(f.at, last.rows[0].id)
		}
		f.settled, f.passed = 0, 0
	}
	// Where the floor waits for somebody, what is below f.last counts no more as passed.
	if f.passed < floorRows && f.holders == nil || time.Since(f.asked) < floorEvery {
		return
	}
	f.asked = time.Now()
	ctx, cancel := context.WithTimeout(ctx, databaseTime)
	defer cancel()
	if err := f.ask(ctx, b); err != nil && !f.said { // without it reads cost more, that is all
		f.said = true
		b.log.Warn("the outbox reads past deleted rows again and again", logs.Error, err)
	}
}

func (f *floor) ask(ctx context.Context, b *Box) error {
	var last int64
	if err := b.db.QueryRowContext(ctx, b.sql("SELECT COALESCE(pg_sequence_last_value(pg_get_serial_sequence(?, 'id')::regclass), 0)"), b.table).Scan(&last); err != nil {
		return fmt.Errorf("read the last number of %s: %w", b.table, err)
	}
	now, err := holders(ctx, b)
	if err != nil {
		return fmt.Errorf("read who inserts into %s: %w", b.table, err)
	}
	waits := false
	for holder := range f.holders {
		waits = waits || now[holder]
	}
	switch {
	case len(now) == 0:
		f.settled, f.holders = last, nil
	case f.holders != nil && !waits:
		f.settled, f.last, f.holders = f.last, last, now
	case f.holders == nil:
		f.last, f.holders = last, now
	}
	return nil
}

// holders are the transactions that have inserted, or deleted, and not ended: prepared
// ones, too.
func holders(ctx context.Context, b *Box) (map[string]bool, error) {
	rows, err := b.db.QueryContext(ctx, b.sql(`SELECT DISTINCT virtualtransaction FROM pg_locks
WHERE locktype = 'relation' AND relation = ?::regclass AND mode = 'RowExclusiveLock'
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`), b.table)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	all := map[string]bool{}
	for rows.Next() {
		var holder string
		if err := rows.Scan(&holder); err != nil {
			return nil, err
		}
		all[holder] = true
	}
	return all, rows.Err()
}
