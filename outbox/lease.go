package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// lease is a relay's turn to work. It spares the others work in vain, no more: what a
// relay does that has lost it without knowing is harmless.
type lease struct {
	box     *Box
	holder  string
	mine    bool
	renewed time.Time
	left    time.Duration // of another one's
}

// errNewer: the tables are for a newer program. Waiting mends it, where that one takes over.
var errNewer = errors.New("the schema is newer than this program")

// hold reports whether this relay is to work. It asks the database when it is time to.
func (l *lease) hold(ctx context.Context) (bool, error) {
	if l.mine && time.Since(l.renewed) < l.box.lease/3 {
		return true, nil
	}
	l.mine = false
	ctx, cancel := context.WithTimeout(ctx, databaseTime)
	defer cancel()
	var version int
	var holder string
	var left int64
	err := l.box.db.QueryRowContext(ctx, l.box.sql("SELECT version, holder, until_ms - {now} FROM {meta} WHERE id = 1")).Scan(&version, &holder, &left)
	switch {
	case errors.Is(err, sql.ErrNoRows) || err == nil && version == 0:
		return false, fmt.Errorf("%s_meta has no version: call Migrate, or apply what Schema prints", l.box.table)
	case err != nil:
		return false, fmt.Errorf("read %s_meta: %w (if there is no such table: call Migrate, or apply what Schema prints)", l.box.table, err)
	case version > Version:
		return false, fmt.Errorf("%w: version %d of %s, at most %d is known", errNewer, version, l.box.table, Version)
	}
	term := l.box.lease.Milliseconds()
	l.left = time.Duration(left) * time.Millisecond
	if holder != l.holder && left > 0 && l.left <= maxLease { // more: the database's clock went back
		return false, nil
	}
	begun := time.Now()
	result, err := l.box.db.ExecContext(ctx, l.box.sql("UPDATE {meta} SET holder = ?, until_ms = {now} + ? WHERE id = 1 AND holder = ?"), l.holder, term, holder)
	if err != nil {
		return false, fmt.Errorf("take the lease of %s: %w", l.box.table, err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return false, err
	}
	l.mine, l.renewed = n == 1, begun
	return l.mine, nil
}

// maxLease is the longest that any relay may have.
const maxLease = time.Minute

// pause is for how long the lease need not be looked at.
func (l *lease) pause() time.Duration {
	if l.mine {
		return l.box.lease / 3
	}
	most := min(time.Second, l.box.lease/2)             // one that ends in order gives it back sooner
	return min(max(l.left, 0), most)/2 + rand.N(most/2) //nolint:gosec // not a secret
}

// release lets another relay work, at the end.
func (l *lease) release(ctx context.Context) {
	if !l.mine {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_, _ = l.box.db.ExecContext(ctx, l.box.sql("UPDATE {meta} SET until_ms = 0 WHERE id = 1 AND holder = ?"), l.holder) // or it runs out
}
