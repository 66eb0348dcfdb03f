package check

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/embedded"
	"github.com/drayhorse/drayhorse/outbox"
	"github.com/drayhorse/drayhorse/producer"
)

type welcome struct {
	UserID int64 `json:"user_id"`
}

func (welcome) Kind() string { return "welcome" }

// Two users sign up; the second one's transaction is rolled back, and no mail goes out.
func Example() {
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	dir, err := os.MkdirTemp("", "outbox-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "app.db")+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "CREATE TABLE users (id INTEGER PRIMARY KEY)"); err != nil {
		log.Fatal(err)
	}
	box, err := outbox.New(outbox.Config{DB: db, Dialect: outbox.SQLite})
	if err != nil {
		log.Fatal(err)
	}
	if err := box.Migrate(ctx); err != nil {
		log.Fatal(err)
	}

	signUp := func(id int64, regret bool) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }() // after Commit it does nothing
		if _, err := tx.ExecContext(ctx, "INSERT INTO users (id) VALUES (?)", id); err != nil {
			return err
		}
		job := drayhorse.Spec{Args: welcome{UserID: id}, Options: []drayhorse.Option{
			drayhorse.Queue("mail"), drayhorse.ID(fmt.Sprint("welcome-", id)),
		}}
		if err := box.Enqueue(ctx, tx, job); err != nil || regret {
			return err
		}
		return tx.Commit()
	}
	if err := signUp(42, false); err != nil {
		log.Fatal(err)
	}
	if err := signUp(43, true); err != nil {
		log.Fatal(err)
	}

	redis, err := embedded.Start("127.0.0.1:0") // a redis-server elsewhere
	if err != nil {
		log.Fatal(err)
	}
	defer redis.Close()
	p, err := producer.New(producer.Config{RedisURL: redis.URL()})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close()
	relaying, end := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- box.Relay(relaying, p) }()
	for status, err := box.Status(ctx); status.Rows > 0 || err != nil; status, err = box.Status(ctx) {
		time.Sleep(10 * time.Millisecond)
	}
	end()
	if err := <-ended; err != nil {
		log.Fatal(err)
	}
	for _, id := range []string{"welcome-42", "welcome-43"} {
		info, err := p.Get(ctx, id)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(info.ID, "is", info.State, "in queue", info.Queue)
	}
	// Output:
	// welcome-42 is available in queue mail
	// not found: job welcome-43
}
