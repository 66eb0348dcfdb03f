package systems

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/bench/internal/store"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/worker"
)

// drayhorseSession is the product at its defaults, with metrics on.
type drayhorseSession struct {
	onRedis
	url      string
	producer *producer.Producer
	pad      string
}

// onRedis is what systems on Redis have in common.
type onRedis struct{ direct string }

func (r onRedis) Bytes(ctx context.Context) (float64, error) { return store.Memory(ctx, r.direct) }

func flush(ctx context.Context, url string) error {
	client := store.Client(url)
	defer func() { _ = client.Close() }()
	return client.FlushAll(ctx).Err()
}

func openDrayhorse(ctx context.Context, s Setting) (Session, error) {
	if err := flush(ctx, s.Place.Direct); err != nil {
		return nil, err
	}
	p, err := producer.New(producer.Config{RedisURL: s.Place.URL})
	if err != nil {
		return nil, err
	}
	return &drayhorseSession{onRedis{s.Place.Direct}, s.Place.URL, p, padding(s.ArgBytes)}, nil
}

func (s *drayhorseSession) EnqueueMany(ctx context.Context, first, n int) error {
	const batch = 10_000
	for last := first + n; first < last; first += batch {
		specs := make([]drayhorse.Spec, min(last-first, batch))
		for i := range specs {
			specs[i].Args = drayhorse.Raw("noop", arguments(first+i, s.pad))
		}
		if _, err := s.producer.EnqueueMany(ctx, specs); err != nil {
			return err
		}
	}
	return nil
}

func (s *drayhorseSession) Enqueue(ctx context.Context, job int) error {
	_, err := s.producer.EnqueueRaw(ctx, "noop", arguments(job, s.pad))
	return err
}

func (s *drayhorseSession) Work(ctx context.Context, concurrency int, handle func(job int)) error {
	w, err := worker.New(worker.Config{RedisURL: s.url, Concurrency: concurrency, Registerer: prometheus.NewRegistry()})
	if err != nil {
		return err
	}
	worker.Handle(w, func(_ context.Context, job *drayhorse.Job[noop]) error {
		handle(job.Args.N)
		return nil
	})
	return w.Run(ctx)
}

func (s *drayhorseSession) Close() { _ = s.producer.Close() }
