package testing_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/drayhorsetest"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/worker"
)

// Reminder is sent a day after a user has signed up.
type Reminder struct {
	UserID int64  `json:"user_id"`
	Lang   string `json:"lang"`
}

func (Reminder) Kind() string { return "reminder" }

// signUp is what the application does when a user signs up.
func signUp(ctx context.Context, p *producer.Producer, userID int64) error {
	_, err := p.Enqueue(ctx, Reminder{UserID: userID, Lang: "en"}, drayhorse.Queue("mail"), drayhorse.In(24*time.Hour))
	return err
}

// newWorker is the application's worker. send is its mail server.
func newWorker(redisURL string, send func(Reminder) error) (*worker.Worker, error) {
	w, err := worker.New(worker.Config{RedisURL: redisURL, Queues: map[string]int{"mail": 1}})
	if err != nil {
		return nil, err
	}
	worker.Handle(w, func(_ context.Context, job *drayhorse.Job[Reminder]) error { return send(job.Args) })
	return w, nil
}

func TestReminderIsSentThoughMailWasDown(t *testing.T) {
	t.Parallel()
	env := drayhorsetest.New(t) // a server and a clock, only for this test

	if err := signUp(t.Context(), env.Producer, 42); err != nil {
		t.Fatal(err)
	}
	drayhorsetest.RequireEnqueued(t, env, Reminder{UserID: 42}, drayhorse.Queue("mail"), drayhorse.In(24*time.Hour))

	var sent []Reminder
	down := true
	w, err := newWorker(env.URL, func(r Reminder) error {
		if down {
			return errors.New("mail server is down")
		}
		sent = append(sent, r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if early := env.Work(w); len(early) > 0 {
		t.Errorf("sent too early: %v", early)
	}

	env.Advance(24 * time.Hour)
	outcomes := env.Work(w)
	if len(outcomes) != 1 || outcomes[0].State != drayhorse.Retryable {
		t.Fatalf("while mail is down: %v", outcomes)
	}

	down = false
	env.WorkFor(time.Hour, w) // as many retries as there are in an hour
	if len(sent) != 1 || sent[0].UserID != 42 {
		t.Errorf("sent %v", sent)
	}
	drayhorsetest.RequireNone[Reminder](t, env)
}
