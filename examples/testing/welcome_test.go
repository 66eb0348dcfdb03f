package testing_test

import (
	"context"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/drayhorsetest"
	"github.com/drayhorse/drayhorse/worker"
)

// Welcome is the job of the README.
type Welcome struct {
	UserID int64 `json:"user_id"`
}

func (Welcome) Kind() string { return "welcome" }

// TestWelcome tests the example of the README.
func TestWelcome(t *testing.T) {
	t.Parallel()
	env := drayhorsetest.New(t)
	for range 2 { // the ID makes it one mail
		_, err := env.Producer.Enqueue(t.Context(), Welcome{UserID: 42}, drayhorse.In(10*time.Minute), drayhorse.ID("welcome-42"))
		if err != nil {
			t.Fatal(err)
		}
	}
	drayhorsetest.RequireEnqueued(t, env, Welcome{UserID: 42}, drayhorse.In(10*time.Minute))

	w, err := worker.New(worker.Config{RedisURL: env.URL, Queues: map[string]int{"default": 1}, Concurrency: 50})
	if err != nil {
		t.Fatal(err)
	}
	var sent []int64
	worker.Handle(w, func(_ context.Context, job *drayhorse.Job[Welcome]) error {
		sent = append(sent, job.Args.UserID)
		return nil
	})
	env.Advance(10 * time.Minute)
	outcomes := env.Work(w)
	if len(outcomes) != 1 || outcomes[0].State != drayhorse.Completed || len(sent) != 1 || sent[0] != 42 {
		t.Errorf("outcomes %v, sent to %v", outcomes, sent)
	}
}
