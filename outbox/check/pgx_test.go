package check

import (
	"errors"
	"flag"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/outbox"
	"github.com/drayhorse/drayhorse/outbox/outboxpgx"
)

var (
	commits = flag.Int("outbox.commits", 200, "commits of TestARingIsHeardAtOnce")
	p50     = flag.Duration("outbox.p50", 50*time.Millisecond, "what the median of TestARingIsHeardAtOnce may be")
)

// setupPgx is setup with a pool, and a Box that relays find slow to poll.
func setupPgx(t *testing.T) (*rig, *pgxpool.Pool, *outboxpgx.Box) {
	t.Helper()
	d := onePostgres.get(t).database(t)
	r := setup(t, d, nil)
	pool, err := pgxpool.New(t.Context(), d.dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	box, err := outboxpgx.New(pool, func(c *outbox.Config) { c.Logger = slog.New(slog.NewTextHandler(r.log, nil)) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = box.Close() })
	return r, pool, box
}

func enqueuePgx(t *testing.T, pool *pgxpool.Pool, box *outboxpgx.Box, specs ...drayhorse.Spec) {
	t.Helper()
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error { return box.Enqueue(t.Context(), tx, specs...) })
	if err != nil {
		t.Fatal(err)
	}
}

// TestARingIsHeardAtOnce: the time from the commit until the job is in Redis is that of
// some round trips, where a poll would take two seconds.
func TestARingIsHeardAtOnce(t *testing.T) {
	t.Parallel()
	r, pool, box := setupPgx(t)
	r.relayOf(box)
	enqueuePgx(t, pool, box, mails("first", 0, 1)...)
	r.drained()
	var took []time.Duration
	for n := range *commits {
		enqueuePgx(t, pool, box, mails("mail", n, 1)...)
		committed := time.Now()
		for {
			stored, err := r.redis.LLen(t.Context(), r.namespace+":{mail}:ready").Result()
			if err != nil {
				t.Fatal(err)
			}
			if int(stored) > n {
				break
			}
			if time.Since(committed) > time.Minute {
				t.Fatalf("job %d does not come", n)
			}
		}
		took = append(took, time.Since(committed))
	}
	slices.Sort(took)
	at := func(share float64) time.Duration {
		return took[int(share*float64(len(took)-1))].Round(10 * time.Microsecond)
	}
	t.Logf("from the commit until the job is in Redis: p50 %v, p90 %v, p99 %v, most %v", at(0.5), at(0.9), at(0.99), at(1))
	if at(0.5) > *p50 {
		t.Errorf("p50 %v, want at most %v", at(0.5), *p50)
	}
	wantMails(t, r.line("mail"), 0, *commits)
}

// TestPgxRollback: what a pgx.Tx rolls back does not come, and a bad spec is refused.
func TestPgxRollback(t *testing.T) {
	t.Parallel()
	r, pool, box := setupPgx(t)
	r.relayOf(box)
	onPurpose := errors.New("on purpose")
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		if err := box.Enqueue(t.Context(), tx, mails("mail", 100, 3)...); err != nil {
			return err
		}
		return onPurpose
	})
	if !errors.Is(err, onPurpose) {
		t.Fatal(err)
	}
	enqueuePgx(t, pool, box, mails("mail", 0, 150)...)
	r.enqueue(mails("mail", 150, 1)...) // by database/sql
	r.drained()
	wantMails(t, r.line("mail"), 0, 151)
	if err := box.Enqueue(t.Context(), nil, mails("mail", 0, 1)...); !errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(err.Error(), "tx is nil") {
		t.Errorf("without a transaction: %v", err)
	}
	if _, err := outboxpgx.New(nil); !errors.Is(err, drayhorse.ErrInvalid) {
		t.Errorf("without a pool: %v", err)
	}
}

// TestAListenerThatIsCutOffPollsAndListensAgain ends the relay's connection.
func TestAListenerThatIsCutOffPollsAndListensAgain(t *testing.T) {
	t.Parallel()
	r, pool, box := setupPgx(t)
	r.relayOf(box)
	listeners := func() (pids []int) {
		rows, err := pool.Query(t.Context(), "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'")
		if err == nil {
			pids, err = pgx.CollectRows(rows, pgx.RowTo[int])
		}
		if err != nil {
			t.Fatal(err)
		}
		return pids
	}
	var first []int
	redistest.Eventually(t, 10*time.Second, "it listens", func() bool { first = listeners(); return len(first) == 1 })
	if _, err := pool.Exec(t.Context(), "SELECT pg_terminate_backend($1)", first[0]); err != nil {
		t.Fatal(err)
	}
	enqueuePgx(t, pool, box, mails("mail", 0, 10)...)
	r.drained()
	redistest.Eventually(t, 10*time.Second, "it listens again", func() bool { now := listeners(); return len(now) == 1 && now[0] != first[0] })
	enqueuePgx(t, pool, box, mails("mail", 10, 10)...)
	r.drained()
	wantMails(t, r.line("mail"), 0, 20)
}
