package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/producer"
)

// produce is main of a producer.
func produce(ctx context.Context, p *plan, j *journal) error {
	client, err := producer.New(producer.Config{
		RedisURL: p.URL, Namespace: p.Namespace, Durable: p.Durable, Logger: p.logger(),
	})
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	source := &source{plan: p, journal: j, client: client}
	line := make(chan order)
	var callers sync.WaitGroup
	for range max(1, p.Callers) {
		callers.Go(func() {
			for o := range line {
				source.enqueue(ctx, o)
			}
		})
	}
	if err := p.ready(); err != nil {
		return err
	}
	source.feed(ctx, line)
	callers.Wait()
	source.cancels.Wait()
	return nil
}

// source is a producer at work.
type source struct {
	plan    *plan
	journal *journal
	client  *producer.Producer
	cancels sync.WaitGroup
}

// feed gives out the orders at the rate of the plan.
func (s *source) feed(ctx context.Context, line chan<- order) {
	defer close(line)
	start := time.Now()
	for i, o := range orders(s.plan.Seed, s.plan.Name, s.plan.Only, s.plan.Jobs) {
		o.queue = s.plan.queue(i)
		if s.plan.Millis > 0 {
			o.work.Millis = s.plan.Millis
		}
		if s.plan.Rate > 0 {
			due := start.Add(time.Duration(i) * time.Second / time.Duration(s.plan.Rate))
			select {
			case <-time.After(time.Until(due)):
			case <-ctx.Done():
			}
		}
		if ctx.Err() != nil {
			return
		}
		line <- o
	}
}

// enqueue makes one job. A named one is enqueued until that is acknowledged, and
// then once more: its ID makes that harmless.
func (s *source) enqueue(ctx context.Context, o order) {
	s.journal.must(event{What: attempted, Key: o.work.Key, Kind: o.kind})
	calls := 1
	if o.kind == "named" {
		calls = 2
	}
	for acknowledged := 0; acknowledged < calls && ctx.Err() == nil; {
		switch {
		case s.call(ctx, o):
			acknowledged++
		case calls == 1:
			return
		default:
			time.Sleep(100 * time.Millisecond)
		}
	}
}

// call makes one call and writes down what it came to.
func (s *source) call(ctx context.Context, o order) bool {
	args, err := json.Marshal(o.work)
	if err != nil {
		panic(err) // strings and numbers
	}
	info, err := s.client.EnqueueRaw(context.WithoutCancel(ctx), o.kind, args, append(o.options, drayhorse.Queue(o.queue))...)
	e := event{Key: o.work.Key, Kind: o.kind}
	switch {
	case errors.Is(err, drayhorse.ErrFull), errors.Is(err, drayhorse.ErrInvalid):
		e.What, e.Said = rejected, err.Error()
	case err != nil:
		e.What, e.Said = unsure, err.Error()
	case info.Duplicate:
		e.What, e.ID = known, info.ID
	default:
		e.What, e.ID = acknowledged, info.ID
	}
	s.journal.must(e)
	if err == nil && o.kind == "cancelling" {
		s.cancels.Go(func() { s.cancel(ctx, o, info.ID) })
	}
	return err == nil
}

// cancel takes a job back, soon after it was enqueued.
func (s *source) cancel(ctx context.Context, o order, id string) {
	select {
	case <-time.After(time.Duration(o.work.Millis/2) * time.Millisecond):
	case <-ctx.Done():
	}
	s.journal.must(event{What: wished, Key: o.work.Key, ID: id})
	_ = s.client.Cancel(context.WithoutCancel(ctx), id, drayhorse.Queue(o.queue)) // it may have ended
}
