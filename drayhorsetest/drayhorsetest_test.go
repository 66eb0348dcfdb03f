package drayhorsetest_test

import (
	"context"
	"testing"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/drayhorsetest"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/worker"
)

type greet struct {
	Name string `json:"name"`
}

func (greet) Kind() string { return "greet" }

func TestAnApplicationsTest(t *testing.T) {
	url := drayhorsetest.Redis(t)
	p, err := producer.New(producer.Config{RedisURL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	w, err := worker.New(worker.Config{RedisURL: url})
	if err != nil {
		t.Fatal(err)
	}
	greeted := make(chan string, 1)
	worker.Handle(w, func(_ context.Context, job *drayhorse.Job[greet]) error {
		greeted <- job.Args.Name
		return nil
	})
	drayhorsetest.Run(t, w)
	if _, err := p.Enqueue(t.Context(), greet{Name: "Ada"}); err != nil {
		t.Fatal(err)
	}
	if name := <-greeted; name != "Ada" {
		t.Errorf("greeted %s", name)
	}
}
