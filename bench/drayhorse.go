package main

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/worker"
)

// drayhorseSession is the product at its defaults, with metrics on.
type drayhorseSession struct {
	url      string
	producer *producer.Producer
	args     json.RawMessage
}

func openDrayhorse(url string, w workload) (session, error) {
	p, err := producer.New(producer.Config{RedisURL: url})
	if err != nil {
		return nil, err
	}
	return &drayhorseSession{url: url, producer: p, args: arguments(w)}, nil
}

// arguments are JSON of the workload's size.
func arguments(w workload) json.RawMessage {
	const frame = len(`{"pad":""}`)
	return json.RawMessage(`{"pad":"` + strings.Repeat("x", max(w.argBytes-frame, 0)) + `"}`)
}

func (s *drayhorseSession) enqueueMany(ctx context.Context, n int) error {
	const batch = 10_000
	specs := make([]drayhorse.Spec, min(n, batch))
	for i := range specs {
		specs[i].Args = drayhorse.Raw("noop", s.args)
	}
	for n > 0 {
		size := min(n, batch)
		if _, err := s.producer.EnqueueMany(ctx, specs[:size]); err != nil {
			return err
		}
		n -= size
	}
	return nil
}

func (s *drayhorseSession) enqueue(ctx context.Context) error {
	_, err := s.producer.EnqueueRaw(ctx, "noop", s.args)
	return err
}

type noop struct {
	Pad string `json:"pad"`
}

// Kind names the handler.
func (noop) Kind() string { return "noop" }

func (s *drayhorseSession) work(ctx context.Context, concurrency int, handle func()) error {
	w, err := worker.New(worker.Config{RedisURL: s.url, Concurrency: concurrency, Registerer: prometheus.NewRegistry()})
	if err != nil {
		return err
	}
	worker.Handle(w, func(context.Context, *drayhorse.Job[noop]) error {
		handle()
		return nil
	})
	return w.Run(ctx)
}

func (s *drayhorseSession) close() { _ = s.producer.Close() }
