package systems

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// riverSession is River on PostgreSQL.
type riverSession struct {
	pool   *pgxpool.Pool
	client *river.Client[pgx.Tx] // inserts alone
	pad    string
}

func openRiver(ctx context.Context, s Setting) (Session, error) {
	cfg, err := pgxpool.ParseConfig(s.Place.URL)
	if err != nil {
		return nil, err
	}
	cfg.MaxConns = 40
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: silent()})
	if err != nil {
		return nil, err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return nil, err
	}
	if _, err := pool.Exec(ctx, "truncate river_job"); err != nil {
		return nil, err
	}
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{Logger: silent(), FetchCooldown: time.Millisecond})
	if err != nil {
		return nil, err
	}
	return &riverSession{pool, client, padding(s.ArgBytes)}, nil
}

func silent() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func (s *riverSession) EnqueueMany(ctx context.Context, first, n int) error {
	const batch = 5000
	for last := first + n; first < last; first += batch {
		params := make([]river.InsertManyParams, min(last-first, batch))
		for i := range params {
			params[i].Args = noop{first + i, s.pad}
		}
		if _, err := s.client.InsertManyFast(ctx, params); err != nil {
			return err
		}
	}
	return nil
}

func (s *riverSession) Enqueue(ctx context.Context, job int) error {
	_, err := s.client.Insert(ctx, noop{job, s.pad}, nil)
	return err
}

func (s *riverSession) Work(ctx context.Context, concurrency int, handle func(job int)) error {
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(func(_ context.Context, job *river.Job[noop]) error {
		handle(job.Args.N)
		return nil
	}))
	client, err := river.NewClient(riverpgxv5.New(s.pool), &river.Config{
		Logger: silent(), Workers: workers, FetchCooldown: time.Millisecond,
		Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: concurrency}},
	})
	if err != nil {
		return err
	}
	if err := client.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	<-ctx.Done()
	stopping, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return client.Stop(stopping)
}

// Bytes are those of the table and its indexes.
func (s *riverSession) Bytes(ctx context.Context) (float64, error) {
	var size int64
	err := s.pool.QueryRow(ctx, "select pg_total_relation_size('river_job')").Scan(&size)
	return float64(size), err
}

func (s *riverSession) Close() { s.pool.Close() }
