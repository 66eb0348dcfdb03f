package check

import (
	"fmt"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/internal/redistest"
)

// TestALateCommitIsNotPassedBy: a transaction that began before thousands of others, and
// is committed long after they are in Redis, is found; and one that begins after it comes
// behind it. One of them ends its transaction in two phases.
func TestALateCommitIsNotPassedBy(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		if d.driver == "sqlite" {
			return // has one writer at a time: nobody is late
		}
		r := setup(t, d, nil)
		r.relay()
		late, prepared := r.begin(), r.begin()
		r.in(late, mails("mail", 0, 2)...)
		r.in(prepared, mails("other", 0, 2)...)
		if d.driver == "pgx" {
			if _, err := prepared.ExecContext(t.Context(), "PREPARE TRANSACTION 'two phases'"); err != nil {
				t.Fatal(err)
			}
			_ = prepared.Rollback() // ends it here alone
		}
		begun := time.Now()
		for i := 0; i < 10 || time.Since(begun) < 3*time.Second; i++ { // for as long as the relay looks for what it may pass
			r.enqueue(mails("many", 0, 500)...)
		}
		r.drained()
		r.commit(late)
		r.enqueue(mails("mail", 2, 1)...)
		if d.driver == "pgx" {
			r.exec("COMMIT PREPARED 'two phases'")
		} else {
			r.commit(prepared)
		}
		r.enqueue(mails("other", 2, 1)...)
		r.drained()
		wantMails(t, r.line("mail"), 0, 3)
		wantMails(t, r.line("other"), 0, 3)
	})
}

// TestDeletedRowsAreNotPassedForEver: while somebody's old transaction keeps PostgreSQL
// from vacuuming, a read costs no more for the rows that were deleted.
func TestDeletedRowsAreNotPassedForEver(t *testing.T) {
	t.Parallel()
	d := onePostgres.get(t).database(t)
	r := setup(t, d, nil)
	old := r.begin()
	if _, err := old.ExecContext(t.Context(), "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"); err != nil {
		t.Fatal(err)
	}
	if _, err := old.ExecContext(t.Context(), "SELECT count(*) FROM pg_class"); err != nil {
		t.Fatal(err)
	}
	r.relay()
	for range 20 {
		r.enqueue(mails("many", 0, 1000)...)
	}
	r.drained()
	fetched := func() (n int64) {
		if err := r.db.QueryRowContext(t.Context(), `SELECT COALESCE(SUM(idx_tup_read), 0) FROM pg_stat_user_indexes WHERE relname = 'drayhorse_outbox'`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	var last int64
	redistest.Eventually(t, 30*time.Second, "reads pass few deleted rows", func() bool {
		before, begun := fetched(), time.Now()
		redistest.Eventually(t, 5*time.Second, "a second passes", func() bool { return time.Since(begun) > time.Second })
		r.enqueue(mails("many", 0, 1000)...)
		r.drained()
		last = fetched() - before
		return last < 15_000 // of 20,000 at each of many reads otherwise
	})
	t.Log(fmt.Sprintf("a second of reads beside a transaction that keeps 20,000 deleted rows: %d entries of the index", last))
	r.commit(old)
}
