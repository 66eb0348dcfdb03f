package check

import (
	"database/sql"
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
// from vacuuming, a read costs no more for the rows that were deleted. Of two others, each
// of which inserts, one begins before the other has ended.
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
	relayLooks := func() { // at who inserts, once a second
		begun := time.Now()
		redistest.Eventually(t, 5*time.Second, "two seconds pass", func() bool { return time.Since(begun) > 2*time.Second })
	}
	inserts := func() *sql.Tx {
		tx := r.begin()
		r.in(tx, mails("never", 0, 1)...)
		return tx
	}
	const jobs = 20_000
	first := inserts()
	for i := range jobs / 1000 {
		if i == 3 {
			relayLooks()
		}
		r.enqueue(mails("many", 0, 1000)...)
	}
	r.drained()
	second := inserts()
	_ = first.Rollback()
	relayLooks()
	_ = second.Rollback()
	// What PostgreSQL has counted so far of the table: rows deleted, scans and their pages.
	counted := func() (deleted, scans, pages int64) {
		err := r.db.QueryRowContext(t.Context(), `SELECT n_tup_del, seq_scan + idx_scan, heap_blks_hit + heap_blks_read + idx_blks_hit + idx_blks_read
			FROM pg_stat_user_tables AS t JOIN pg_statio_user_tables USING (relid) WHERE t.relname = 'drayhorse_outbox'`).Scan(&deleted, &scans, &pages)
		if err != nil {
			t.Fatal(err)
		}
		return deleted, scans, pages
	}
	redistest.Eventually(t, 30*time.Second, "the deletes are counted: from now on scans are reads", func() bool {
		deleted, _, _ := counted()
		return deleted == jobs
	})
	redistest.Eventually(t, 30*time.Second, "a read looks at few of the pages with deleted rows", func() bool {
		_, before, looked := counted()
		var scans, pages int64
		redistest.Eventually(t, 30*time.Second, "ten scans are counted", func() bool {
			_, scans, pages = counted()
			return scans >= before+10
		})
		each := (pages - looked) / (scans - before)
		t.Logf("%d pages a scan", each)
		return each < 40 // of some 300
	})
	r.commit(old)
}
