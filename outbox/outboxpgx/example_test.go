package outboxpgx_test

import (
	"context"
	"log"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/outbox/outboxpgx"
	"github.com/drayhorse/drayhorse/producer"
)

type welcome struct {
	UserID int64 `json:"user_id"`
}

func (welcome) Kind() string { return "welcome" }

// It needs a PostgreSQL: outbox/check runs the same.
func Example() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, "postgres://app@127.0.0.1:5432/app")
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	box, err := outboxpgx.New(pool)
	if err != nil {
		log.Fatal(err)
	}
	defer box.Close()
	if err := box.Migrate(ctx); err != nil {
		log.Fatal(err)
	}
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "INSERT INTO users (id) VALUES ($1)", 42); err != nil {
			return err
		}
		return box.Enqueue(ctx, tx, drayhorse.Spec{
			Args: welcome{UserID: 42}, Options: []drayhorse.Option{drayhorse.Queue("mail")},
		})
	})
	if err != nil {
		log.Fatal(err)
	}

	p, err := producer.New(producer.Config{RedisURL: "redis://127.0.0.1:6379/0"})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close()
	if err := box.Relay(ctx, p); err != nil { // until ctx ends
		log.Fatal(err)
	}
}
