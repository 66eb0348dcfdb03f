package check

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/outbox"
	"github.com/drayhorse/drayhorse/outbox/outboxpgx"
	"github.com/drayhorse/drayhorse/producer"
)

// riverMail is mail as River's.
type riverMail struct {
	N int `json:"n"`
}

func (riverMail) Kind() string { return "mail" }

// BenchmarkTransaction is a transaction of the application with one insert of its own,
// and with a job beside it: by outboxpgx, with and without NOTIFY, and by River, in the
// same PostgreSQL.
func BenchmarkTransaction(b *testing.B) {
	d := onePostgres.get(b).database(b)
	ctx := b.Context()
	pool, err := pgxpool.New(ctx, d.dsn)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(pool.Close)
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: quiet})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		b.Fatal(err)
	}
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{Logger: quiet})
	if err != nil {
		b.Fatal(err)
	}
	notify := openPgx(b, pool, true)
	if err := notify.Migrate(ctx); err != nil {
		b.Fatal(err)
	}
	silent := openPgx(b, pool, false)
	if _, err := pool.Exec(ctx, "CREATE TABLE orders (n BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, note TEXT)"); err != nil {
		b.Fatal(err)
	}
	one := mails("mail", 1, 1)
	for _, way := range []struct {
		name    string
		enqueue func(tx pgx.Tx) error
	}{
		{"nothing", func(pgx.Tx) error { return nil }},
		{"outboxpgx", func(tx pgx.Tx) error { return notify.Enqueue(ctx, tx, one...) }},
		{"outboxpgx-polled", func(tx pgx.Tx) error { return silent.Enqueue(ctx, tx, one...) }},
		{"river", func(tx pgx.Tx) error { _, err := client.InsertTx(ctx, tx, riverMail{1}, nil); return err }},
	} {
		b.Run(way.name, func(b *testing.B) {
			for b.Loop() {
				err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
					if _, err := tx.Exec(ctx, "INSERT INTO orders (note) VALUES ('a note')"); err != nil {
						return err
					}
					return way.enqueue(tx)
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func openPgx(tb testing.TB, pool *pgxpool.Pool, notify bool) *outboxpgx.Box {
	tb.Helper()
	box, err := outboxpgx.New(pool, func(c *outbox.Config) { c.Notify = notify })
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = box.Close() })
	return box
}

// BenchmarkRelay moves rows that are there already, 1,000 an operation, and says what an
// ID costs in Redis once its job has gone.
func BenchmarkRelay(b *testing.B) {
	for name, open := range map[string]func() *database{
		"postgres": func() *database { return onePostgres.get(b).database(b) },
		"mariadb":  func() *database { return oneMariaDB.get(b).database(b) },
		"sqlite":   func() *database { return sqlite(b) },
	} {
		b.Run(name, func(b *testing.B) {
			d := open()
			box, err := outbox.New(outbox.Config{DB: d.open(b), Dialect: d.dialect, Poll: time.Millisecond})
			if err != nil {
				b.Fatal(err)
			}
			if err := box.Migrate(b.Context()); err != nil {
				b.Fatal(err)
			}
			p, err := producer.New(producer.Config{RedisURL: redistest.Start(b).URL})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = p.Close() }()
			db := d.open(b)
			for range b.N {
				tx, err := db.BeginTx(b.Context(), nil)
				if err != nil {
					b.Fatal(err)
				}
				if err := box.Enqueue(b.Context(), tx, mails("mail", 0, 1000)...); err != nil {
					b.Fatal(err)
				}
				if err := tx.Commit(); err != nil {
					b.Fatal(err)
				}
			}
			ctx, cancel := context.WithCancel(b.Context())
			ended := make(chan error, 1)
			b.ResetTimer()
			go func() { ended <- box.Relay(ctx, p) }()
			for s := (outbox.Status{Rows: 1}); s.Rows > 0; time.Sleep(time.Millisecond) {
				if s, err = box.Status(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "jobs/s")
			cancel()
			if err := <-ended; err != nil {
				b.Fatal(err)
			}
		})
	}
}
