package scale

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/bench/internal/measure"
	"github.com/drayhorse/drayhorse/bench/internal/report"
	"github.com/drayhorse/drayhorse/bench/internal/store"
	"github.com/drayhorse/drayhorse/worker"
)

// due lets a million scheduled jobs fall due at one moment.
func due(ctx context.Context, l *lab) error {
	n := l.jobs(1_000_000)
	table := report.Table{
		Name: "due", Title: "Scheduled jobs that fall due at once", Header: []string{"", "value"},
		About: "One worker with 100 handlers runs already when they fall due; meanwhile one goroutine enqueues a job every 5 ms into the same queue.",
	}
	add := func(label string, v float64) {
		table.Rows = append(table.Rows, report.Row{Label: label, Values: []float64{v}})
	}
	err := onRedis(ctx, func(s *site) error {
		const calls = 400
		before, err := s.paced(ctx, calls, nil)
		if err != nil {
			return err
		}
		at := time.Now().Add(time.Duration(float64(n)/50_000*float64(time.Second)) + 2*time.Second)
		scheduled := []drayhorse.Option{drayhorse.At(at)}
		if err := s.fill(ctx, n, batch, func(i int) drayhorse.Spec { return drayhorse.Spec{Args: job(i).Args, Options: scheduled} }); err != nil {
			return err
		}
		if time.Now().After(at) {
			return errors.New("the jobs were due before all were enqueued")
		}
		done := make(chan struct{})
		waits := make(chan []float64, 1)
		failed := make(chan error, 1)
		go func() {
			_ = pause(ctx, time.Until(at))
			meanwhile, err := s.paced(ctx, 1<<20, done)
			waits <- meanwhile
			failed <- err
		}()
		got, err := s.drain(ctx, calls+n, worker.Config{})
		took := time.Since(at)
		close(done)
		meanwhile := <-waits
		if err := errors.Join(err, <-failed); err != nil {
			return err
		}
		add("jobs", float64(n))
		add("time from due to the last one's end, s", took.Seconds())
		add("rate, jobs/s", float64(n)/took.Seconds())
		add("CPU of worker and Redis, us/job", got.client+got.server)
		add("single enqueue before, p50, ms", measure.Quantile(before, 0.5))
		add("single enqueue before, p99, ms", measure.Quantile(before, 0.99))
		add("single enqueue meanwhile, p50, ms", measure.Quantile(meanwhile, 0.5))
		add("single enqueue meanwhile, p99, ms", measure.Quantile(meanwhile, 0.99))
		return nil
	})
	l.out.Tables = append(l.out.Tables, table)
	return err
}

// paced enqueues a job every 5 ms, n times or until done, and gives the times it took,
// in ms and in ascending order.
func (s *site) paced(ctx context.Context, n int, done <-chan struct{}) ([]float64, error) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	var waits []float64
	for len(waits) < n {
		select {
		case <-done:
			n = 0
			continue
		case <-tick.C:
		}
		begun := time.Now()
		if _, err := s.producer.Enqueue(ctx, job(0).Args); err != nil {
			return nil, err
		}
		waits = append(waits, time.Since(begun).Seconds()*1000)
	}
	slices.Sort(waits)
	if len(waits) == 0 {
		return nil, errors.New("no job was enqueued meanwhile")
	}
	return waits, nil
}

// retained looks whether a million results that are kept are in the way of others.
func retained(ctx context.Context, l *lab) error {
	kept, n := l.jobs(1_000_000), l.jobs(200_000)
	return onRedis(ctx, func(s *site) error {
		rate := func() (float64, error) {
			return l.medianOf(func() (float64, error) {
				if err := s.fill(ctx, n, batch, job); err != nil {
					return 0, err
				}
				got, err := s.drain(ctx, n, worker.Config{})
				return got.rate, err
			})
		}
		without, err := rate()
		if err != nil {
			return err
		}
		empty, err := store.Memory(ctx, s.at.Direct)
		if err != nil {
			return err
		}
		options := []drayhorse.Option{drayhorse.Retain(24 * time.Hour)}
		if err := s.fill(ctx, kept, batch, func(i int) drayhorse.Spec { return drayhorse.Spec{Args: job(i).Args, Options: options} }); err != nil {
			return err
		}
		keeping, err := s.drain(ctx, kept, worker.Config{})
		if err != nil {
			return err
		}
		full, err := store.Memory(ctx, s.at.Direct)
		if err != nil {
			return err
		}
		with, err := rate()
		if err != nil {
			return err
		}
		l.out.Tables = append(l.out.Tables, report.Table{
			Name: "retained", Title: "Retained results", Header: []string{"", "value"},
			About: "One worker with 100 handlers drains 200,000 jobs that are not kept, before and after a million that are kept for a day, each with a small result.",
			Rows: []report.Row{
				{Label: "results kept", Values: []float64{float64(kept)}},
				{Label: "drain without them, jobs/s", Values: []float64{without}},
				{Label: "drain beside them, jobs/s", Values: []float64{with}},
				{Label: "drain of those that are kept, jobs/s", Values: []float64{keeping.rate}},
				{Label: "memory of each, bytes", Values: []float64{(full - empty) / float64(kept)}},
			},
		})
		return nil
	})
}
